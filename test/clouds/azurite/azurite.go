// Package azurite starts Azurite, Microsoft's emulator of Azure Blob Storage, for a
// test: a server of its own, on a free port of the loopback, with nothing in it. It
// keeps all in memory, and ends with the test.
//
// What it does not show: how long requests to the real service take, throttling and
// server errors, and a clock that is not this machine's.
package azurite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The account that Azurite knows, and its key, which is no secret: its documentation
// names it.
const (
	Account = "devstoreaccount1"
	Key     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// How long the first installation may take, and a start on a busy machine.
const (
	installing = 10 * time.Minute
	starting   = 2 * time.Minute
	stopping   = 20 * time.Second
)

// listening is what Azurite says before the address that it listens at.
const listening = "successfully listens on "

// Server is one Azurite.
type Server struct {
	// URL is where it is, without the account, which is the first part of the path.
	URL string
	// Stop ends it.
	Stop func()
}

// Endpoint is the blob service of the account.
func (s *Server) Endpoint() string { return s.URL + "/" + Account }

// ConnectionString is what Azure's SDKs take: the account, its key and the endpoint.
func (s *Server) ConnectionString() string { return ConnectionString(s.Endpoint()) }

// ConnectionString gives the account at another endpoint, such as a proxy's.
func ConnectionString(endpoint string) string {
	return "DefaultEndpointsProtocol=http;AccountName=" + Account + ";AccountKey=" + Key + ";BlobEndpoint=" + endpoint + ";"
}

// Start starts a server, which answers when Start returns, and ends with the test.
func Start(tb testing.TB) *Server {
	tb.Helper()
	server, err := Launch(tb.Context(), tb.Output())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(server.Stop)
	return server
}

// Launch is Start for what is no test: the server runs until Stop. What goes wrong is
// written to out.
func Launch(ctx context.Context, out io.Writer) (*Server, error) {
	folder, err := install(ctx)
	if err != nil {
		return nil, err
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("find node (on a Debian, make azurite installs it): %w", err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	command := exec.CommandContext(running, node, filepath.Join(folder, "node_modules", "azurite", "dist", "src", "blob", "main.js"),
		"--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--silent",
		// It would tell Microsoft what tests do, and refuse the versions of the API that are newer than it.
		"--disableTelemetry", "--skipApiVersionCheck")
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = stopping
	command.Stderr = out
	// Whoever is killed takes it along.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	words, said := io.Pipe()
	command.Stdout = said
	if err := command.Start(); err != nil {
		stop()
		return nil, fmt.Errorf("start Azurite: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait() // it is told to end by a signal, and how it ends matters to nobody
		_ = said.Close()
	}()
	server := &Server{Stop: func() {
		stop()
		<-ended
	}}
	if server.URL, err = address(words); err != nil {
		server.Stop()
		return nil, err
	}
	return server, nil
}

// address waits for the address that Azurite says it listens at.
func address(words io.Reader) (string, error) {
	found := make(chan string, 1)
	go func() {
		defer close(found)
		lines := bufio.NewScanner(words)
		for lines.Scan() {
			if _, url, ok := strings.Cut(lines.Text(), listening); ok {
				found <- strings.TrimSpace(url)
			}
		}
	}()
	select {
	case url, ok := <-found:
		if !ok {
			return "", errors.New("azurite ended before it listened")
		}
		return url, nil
	case <-time.After(starting):
		return "", fmt.Errorf("azurite does not listen after %s", starting)
	}
}

// install gives the folder that Azurite is in, and installs it if it is not there yet.
func install(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, installing)
	defer cancel()
	// Compiled with -trimpath: the Go tool knows where the sources are.
	const path = "github.com/leaseholder-dev/leaseholder/test/clouds/azurite"
	folder, err := output(ctx, "go", "list", "-f", "{{.Dir}}", path)
	if err != nil {
		return "", err
	}
	return output(ctx, filepath.Join(folder, "install.sh"))
}

// output runs a program and gives what it prints.
func output(ctx context.Context, program string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, program, args...)
	var complaint strings.Builder
	command.Stderr = &complaint
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("run %q: %w\n%s", command, err, &complaint)
	}
	return strings.TrimSpace(string(out)), nil
}
