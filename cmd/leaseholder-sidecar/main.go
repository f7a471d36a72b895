// Command leaseholder-sidecar stands in one election for its pod and tells the
// pod's other containers how it goes. The webhook injects it; it can also be
// run by hand, outside a cluster. Its settings come from the environment.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// gcPercent is half of Go's default: of the few megabytes that a sidecar has, no
// more need be garbage, and there is little to collect. GOGC goes first.
const gcPercent = 50

func main() {
	// First of all, for the token is there already. Without it the rest works as well.
	if err := hideMemory(); err != nil {
		fmt.Fprintln(os.Stderr, "leaseholder-sidecar:", err)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
