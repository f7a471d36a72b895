package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
)

// version is set by the linker.
var version = "devel"

// run is the whole command: arguments and environment in, exit code out. It
// ends soon after ctx.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	command := newServeCommand(ctx, getenv, stderr)
	command.AddCommand(newSelftestCommand(ctx, getenv, stdout))
	command.SetArgs(args)
	command.SetOut(stdout)
	command.SetErr(stderr)
	if err := command.Execute(); err != nil {
		_, _ = fmt.Fprintf(stderr, "leaseholder-webhook: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func newServeCommand(ctx context.Context, getenv func(string) string, stderr io.Writer) *cobra.Command {
	var f flags
	command := &cobra.Command{
		Use:           "leaseholder-webhook",
		Short:         "inject election sidecars, grant them their Leases, show who leads, and follow priorities",
		Version:       version,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(*cobra.Command, []string) error {
			o, err := f.complete(getenv)
			if err != nil {
				return err
			}
			setLogger(stderr, o.logLevel)
			limitMemory(o.memoryLimit)
			return serve(ctx, o)
		},
	}
	f.register(command.Flags())
	return command
}
