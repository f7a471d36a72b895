// Package s3 runs the S3 lock against a real S3 server, started by the tests: versitygw,
// which keeps a bucket in a folder, and whose conditional writes are atomic.
//
// What it can't show: Amazon's own delays, throttling and clock; IAM, and what an
// account without s3:ListBucket is answered; roles of service accounts and pods, for it
// knows one access key; several servers behind one name, and what Amazon promises of
// them. A proxy (package faults) stands in for the first of these.
package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/leaseholder-dev/leaseholder/test/contender"
)

// What the server knows.
const (
	// Bucket is its only bucket.
	Bucket = "leaseholder-locks"
	// AccessKeyID and SecretAccessKey are its user's.
	AccessKeyID     = "leaseholder"
	SecretAccessKey = "not-a-secret"
)

// Server is a running server.
type Server struct {
	// URL is where it is asked.
	URL string

	process *exec.Cmd
	ended   chan struct{}
	said    bytes.Buffer
}

// Start builds the server, which takes two minutes for the first time, and starts it with
// an empty bucket in folder, whose file system must keep user.* attributes. The working
// directory must be in the tests' module.
func Start(ctx context.Context, folder string) (*Server, error) {
	program, err := build(ctx)
	if err != nil {
		return nil, err
	}
	port, err := contender.FreePort(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what failed
	}
	address := net.JoinHostPort("127.0.0.1", port)
	s := &Server{URL: "http://" + address, ended: make(chan struct{})}
	s.process = exec.CommandContext(ctx, program,
		"-folder", folder, "-bucket", Bucket, "-listen", address,
		"-access", AccessKeyID, "-secret", SecretAccessKey)
	s.process.Stdout, s.process.Stderr = &s.said, &s.said
	s.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.process.Start(); err != nil {
		return nil, fmt.Errorf("start the S3 server: %w", err)
	}
	go func() {
		defer close(s.ended)
		_ = s.process.Wait() // how it ended, nobody asks
	}()
	if err := s.await(ctx, address); err != nil {
		return nil, err
	}
	return s, nil
}

// Stop stops the server.
func (s *Server) Stop() {
	_ = s.process.Process.Kill() // it may have ended
	<-s.ended
}

// await waits until the server listens. Whoever took its port meanwhile answers too; then
// the server itself ends.
func (s *Server) await(ctx context.Context, address string) error {
	const pause = 10 * time.Millisecond
	for {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = connection.Close() // nothing was said
		}
		select {
		case <-s.ended:
			return fmt.Errorf("start the S3 server: it says %q", s.said.String())
		default:
		}
		if err == nil {
			return nil
		}
		select {
		case <-s.ended: // the next round says so
		case <-ctx.Done():
			s.Stop()
			return errors.Join(ctx.Err(), err)
		case <-time.After(pause):
		}
	}
}

// build gives the server's program. What is built already is left alone.
func build(ctx context.Context) (string, error) {
	module, err := contender.GoTool(ctx, "", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return "", err //nolint:wrapcheck // it says what failed
	}
	program := filepath.Join(filepath.Dir(module), "bin", "clouds", "s3server")
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		return "", fmt.Errorf("build the S3 server: %w", err)
	}
	_, err = contender.GoTool(ctx, filepath.Join(module, "clouds", "s3server"), "build", "-o", program, ".")
	return program, err //nolint:wrapcheck // it says what failed
}
