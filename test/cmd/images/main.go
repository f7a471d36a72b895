// Command images makes the files that the Dockerfile puts into the images: the
// programs and their bills of materials, the same bytes on every machine.
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
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/leaseholder-dev/leaseholder/test/images"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("images", flag.ContinueOnError)
	root := flags.String("root", "..", "the `directory` of the checkout")
	version := flags.String("version", "devel", "what the programs say that they are")
	epoch := flags.Int64("epoch", 0, "when the files were changed, in `seconds` since 1970")
	architectures := flags.String("architectures", runtime.GOARCH, "what to make, comma-separated: "+strings.Join(images.Architectures(), ", "))
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("read the flags: %w", err)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("read the flags: unknown argument %q", flags.Arg(0))
	}
	return images.Make(ctx, images.Options{
		Root:          *root,
		Version:       *version,
		Time:          time.Unix(*epoch, 0),
		Architectures: strings.Split(*architectures, ","),
		Generator:     filepath.Join(*root, "bin", "tools", "cyclonedx-gomod"),
		Out:           stdout,
	})
}
