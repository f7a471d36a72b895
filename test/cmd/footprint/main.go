// Command footprint builds the sidecar, holds its size to the budget and prints
// what it is made of.
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

	"github.com/leaseholder-dev/leaseholder/test/footprint"
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
	flags := flag.NewFlagSet("footprint", flag.ContinueOnError)
	flags.SetOutput(stderr)
	root := flags.String("root", "..", "the root module's `directory`")
	write := flags.Bool("write", false, "write docs/footprint.md in the root module too")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "Usage: footprint [flags]\n\nBuilds the sidecar, prints what it is made of, and exits with 1 if it is over its budget.")
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "footprint: the word %q is one too many\n", flags.Arg(0))
		return exitUsage
	}
	if err := measure(ctx, *root, *write, stdout); err != nil {
		fmt.Fprintln(stderr, "footprint:", err)
		return exitFailed
	}
	return exitOK
}

func measure(ctx context.Context, root string, write bool, stdout io.Writer) error {
	report, err := footprint.Measure(ctx, root)
	if err != nil {
		return err
	}
	fmt.Fprint(stdout, report.Text())
	if write {
		const mode = 0o644
		if err := os.WriteFile(filepath.Join(root, "docs", "footprint.md"), []byte(report.Document()), mode); err != nil {
			return fmt.Errorf("write the document: %w", err)
		}
	}
	return report.Judge()
}
