// Command conformance runs the suite of promises for every lock, and prints what each
// keeps.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/leaseholder-dev/leaseholder/test/conformance"
)

const (
	exitOK = iota
	exitFailed
	exitUsage
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	flags.SetOutput(stderr)
	root := flags.String("root", "..", "the root module's `directory`")
	write := flags.Bool("write", false, "write the table into docs/locks.md in the root module too")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "Usage: conformance [flags]\n\nRuns the suite of promises for every lock, prints what each keeps, and exits with 1 if one does not keep all.")
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "conformance: the word %q is one too many\n", flags.Arg(0))
		return exitUsage
	}
	if err := try(ctx, *root, *write, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "conformance:", err)
		return exitFailed
	}
	return exitOK
}

func try(ctx context.Context, root string, write bool, stdout, stderr io.Writer) error {
	table, err := conformance.Run(ctx, root, stderr)
	if err != nil {
		return err
	}
	fmt.Fprint(stdout, table.String())
	if err := table.Judge(); err != nil || !write {
		return err
	}
	path := filepath.Join(root, "docs", "locks.md")
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	document, err := table.Into(string(text))
	if err != nil {
		return fmt.Errorf("write the table into %s: %w", path, err)
	}
	const mode = 0o644
	if err := os.WriteFile(path, []byte(document), mode); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}
