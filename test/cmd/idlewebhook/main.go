// Command idlewebhook is an admission webhook that does nothing, over the server,
// TLS and log of Leaseholder's own: what any webhook costs. It writes a line to
// standard output when it is first asked.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/go-logr/logr"
	crlog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/leaseholder-dev/leaseholder/webhook"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "idlewebhook:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("idlewebhook", flag.ContinueOnError)
	port := flags.Int("port", 0, "the TCP `port` to listen on")
	certificate := flags.String("certificate", "", "the PEM `file` with the server's certificate")
	key := flags.String("key", "", "the PEM `file` with its key")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("read the flags: %w", err)
	}
	crlog.SetLogger(logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, nil)))
	pair, err := tls.LoadX509KeyPair(*certificate, *key)
	if err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	var first sync.Once
	handler := admission.HandlerFunc(func(context.Context, admission.Request) admission.Response {
		first.Do(func() { fmt.Fprintln(stdout, "asked") })
		return admission.Allowed("")
	})
	server := webhook.NewServer(*port, func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &pair, nil }, handler)
	if err := server.Start(ctx); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
