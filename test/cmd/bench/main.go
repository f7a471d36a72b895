// Command bench measures Leaseholder's sidecar beside client-go's LeaderElector,
// its webhook beside one that does nothing and none at all, and the wait for rights
// beside the writes that it needs. It prints what it saw, with the budgets. Its exit code is 0 when everything
// was measured, whether or not a budget is missed.
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
	"slices"
	"strings"
	"syscall"

	"github.com/go-logr/logr"
	crlog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/leaseholder-dev/leaseholder/test/bench"
	"github.com/leaseholder-dev/leaseholder/test/bench/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	assets := flags.String("assets", os.Getenv("KUBEBUILDER_ASSETS"), "the `directory` of kube-apiserver and etcd; KUBEBUILDER_ASSETS by default")
	rounds := flags.Int("rounds", 0, "the `number` of failovers of each kind and of pods of each kind; by default 100 and 300, and 3 with --quick")
	quick := flags.Bool("quick", false, "measure everything with few rounds, to see that it can be done")
	parts := flags.String("parts", "", "what to measure, comma-separated: "+strings.Join(bench.Parts(), ", ")+"; everything by default")
	out := flags.String("out", "", "the JSON `file` for the report; none by default")
	svg := flags.String("svg", "", "the SVG `file` for the picture of failovers; none by default")
	document := flags.String("document", "", "the Markdown `file` to write the figures of admission and grants into; none by default")
	dir := flags.String("dir", filepath.Join(os.TempDir(), "leaseholder-bench"), "the `directory` for the contestants' executables and log")
	show := flags.String("show", "", "measure nothing, and show the report in a JSON `file` that --out left")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("read the flags: %w", err)
	}
	if flags.NArg() > 0 || *rounds < 0 {
		return fmt.Errorf("read the flags: unknown argument %q or a negative number of rounds", flags.Arg(0))
	}
	if *show != "" {
		r, err := report.Read(*show)
		if err != nil {
			return err
		}
		return write(r, "", *svg, *document, stdout)
	}
	// A library's own log would stand between the lines of progress.
	crlog.SetLogger(logr.Discard())
	measured, err := partsOf(*parts)
	if err != nil {
		return err
	}
	r, err := bench.Run(ctx, bench.Options{Assets: *assets, Dir: *dir, Rounds: *rounds, Quick: *quick, Parts: measured, Out: stdout})
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout)
	return write(r, *out, *svg, *document, stdout)
}

// partsOf reads which parts are named; none are all.
func partsOf(names string) ([]string, error) {
	if names == "" {
		return nil, nil
	}
	parts := strings.Split(names, ",")
	for _, part := range parts {
		if !slices.Contains(bench.Parts(), part) {
			return nil, fmt.Errorf("read the flags: --parts=%q is refused, allowed: %s", names, strings.Join(bench.Parts(), ", "))
		}
	}
	return parts, nil
}

// write leaves the report as files, where they are named, and prints it.
func write(r *report.Report, out, svg, document string, stdout io.Writer) error {
	if out != "" {
		if err := r.Write(out); err != nil {
			return err
		}
	}
	if document != "" && (r.Admission != nil || r.Grants != nil) {
		if err := r.WriteDocument(document); err != nil {
			return err
		}
	}
	if svg != "" && len(r.Failovers) > 0 {
		if err := r.WritePicture(svg); err != nil {
			return err
		}
	}
	return r.Table(stdout)
}
