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
}

// Endpoint is the blob service of the account.
func (s *Server) Endpoint() string { return s.URL + "/" + Account }

// ConnectionString is what Azure's SDKs take: the account, its key and the endpoint.
func (s *Server) ConnectionString() string { return ConnectionString(s.Endpoint()) }

// ConnectionString gives the account at another endpoint, such as a proxy's.
func ConnectionString(endpoint string) string {
	return "DefaultEndpointsProtocol=http;AccountName=" + Account + ";AccountKey=" + Key + ";BlobEndpoint=" + endpoint + ";"
}

// Start starts a server, which answers when Start returns.
func Start(tb testing.TB) *Server {
	tb.Helper()
	folder := install(tb)
	node, err := exec.LookPath("node")
	if err != nil {
		tb.Fatalf("find node (on a Debian, make azurite installs it): %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, node, filepath.Join(folder, "node_modules", "azurite", "dist", "src", "blob", "main.js"),
		"--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--silent",
		// It would tell Microsoft what tests do, and refuse the versions of the API that are newer than it.
		"--disableTelemetry", "--skipApiVersionCheck")
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = stopping
	command.Stderr = tb.Output()
	// A test that is killed takes it along.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	words, said := io.Pipe()
	command.Stdout = said
	if err := command.Start(); err != nil {
		cancel()
		tb.Fatalf("start Azurite: %v", err)
	}
	ended := make(chan error, 1)
	go func() {
		err := command.Wait()
		_ = said.Close()
		ended <- err
	}()
	tb.Cleanup(func() {
		cancel()
		<-ended
	})
	return &Server{URL: address(tb, words)}
}

// address waits for the address that Azurite says it listens at.
func address(tb testing.TB, words io.Reader) string {
	tb.Helper()
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
			tb.Fatal("Azurite ended before it listened")
		}
		return url
	case <-time.After(starting):
		tb.Fatal("Azurite does not say that it listens")
	}
	return ""
}

// install gives the folder that Azurite is in, and installs it if it is not there yet.
func install(tb testing.TB) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), installing)
	defer cancel()
	// Compiled with -trimpath: the Go tool knows where the sources are.
	const path = "github.com/leaseholder-dev/leaseholder/test/clouds/azurite"
	return output(tb, ctx, filepath.Join(output(tb, ctx, "go", "list", "-f", "{{.Dir}}", path), "install.sh"))
}

// output runs a program and gives what it prints.
func output(tb testing.TB, ctx context.Context, program string, args ...string) string {
	tb.Helper()
	command := exec.CommandContext(ctx, program, args...)
	var complaint strings.Builder
	command.Stderr = &complaint
	out, err := command.Output()
	if err != nil {
		tb.Fatalf("run %q: %v\n%s", command, err, &complaint)
	}
	return strings.TrimSpace(string(out))
}
