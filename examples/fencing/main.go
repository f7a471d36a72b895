// Command fencing shows what a fencing token is good for: a key-value store that
// refuses the writes of a former leader, and a worker that asks its sidecar
// whether it leads and writes with the token of its term.
//
// It uses the standard library alone: whatever can ask over HTTP and compare two
// integers can do the same.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const usage = `Usage: fencing COMMAND [flags]

  store   serve a key-value store that refuses tokens smaller than the largest
          that it has seen
  worker  ask the sidecar at LEASEHOLDER_URL, and write to the store while it
          says that this pod leads

"fencing COMMAND --help" lists the flags of a command.
`

// Exit codes.
const (
	exitOK = iota
	exitFailed
	exitUsage
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		_, _ = fmt.Fprint(stderr, usage)
		return exitUsage
	}
	var err error
	switch command := args[0]; command {
	case "-h", "-help", "--help", "help":
		_, _ = fmt.Fprint(stdout, usage)
		return exitOK
	case "store":
		err = runStore(ctx, args[1:], stdout, stderr)
	case "worker":
		err = runWorker(ctx, args[1:], getenv, stdout, stderr)
	default:
		_, _ = fmt.Fprintf(stderr, "fencing: there is no command %q\n%s", command, usage)
		return exitUsage
	}
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errUsage):
		// What is wrong has been said.
		return exitUsage
	}
	_, _ = fmt.Fprintln(stderr, "fencing:", err)
	return exitFailed
}

// errUsage is a mistake in the command line.
var errUsage = errors.New("wrong usage")

// parse reads a command's flags. No other words are allowed.
func parse(flags *flag.FlagSet, args []string, stderr io.Writer) error {
	flags.SetOutput(stderr)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return flag.ErrHelp
	case err != nil:
		return errUsage
	case flags.NArg() > 0:
		_, _ = fmt.Fprintf(stderr, "the word %q is one too many\n", flags.Arg(0))
		return errUsage
	}
	return nil
}

func runStore(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("fencing store", flag.ContinueOnError)
	address := flags.String("address", "127.0.0.1:8080", "the `address` to listen on")
	if err := parse(flags, args, stderr); err != nil {
		return err
	}
	server := &http.Server{Addr: *address, Handler: newStore(), ReadHeaderTimeout: time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	_, _ = fmt.Fprintf(stdout, "the store listens on %s\n", *address)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the store: %w", err)
	}
	return nil
}

func runWorker(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("fencing worker", flag.ContinueOnError)
	name := flags.String("name", "worker", "what the worker writes: its `name`")
	store := flags.String("store", "http://127.0.0.1:8080", "the store's `URL`")
	every := flags.Duration("every", time.Second, "how often it asks and writes")
	late := flags.Duration("late", 0, "hold each write back for so long after the last look at the clock, as a paused process or a slow network does")
	if err := parse(flags, args, stderr); err != nil {
		return err
	}
	if *every <= 0 {
		_, _ = fmt.Fprintf(stderr, "-every %s: it must be more than 0\n", *every)
		return errUsage
	}
	w := worker{name: *name, sidecar: getenv("LEASEHOLDER_URL"), store: *store, client: http.DefaultClient}
	w.delay = func(ctx context.Context) { wait(ctx, *late) }
	if w.sidecar == "" {
		w.sidecar = "http://127.0.0.1:4040"
	}
	for ctx.Err() == nil {
		_, _ = fmt.Fprintln(stdout, w.turn(ctx))
		wait(ctx, *every)
	}
	return nil
}

// wait lets d pass, or less if ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
