package sidecar

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

// Program is one of the commands.
type Program struct {
	// Name is the command's name.
	Name string
	// Version is what the command says that it is.
	Version string
	// Locks are those that it knows.
	Locks Locks
}

// Main is the whole of a command's main function. It ends the process.
func Main(p Program) {
	// First of all, for the token is there already. Without it the rest works as well.
	if err := hideMemory(); err != nil {
		fmt.Fprintln(os.Stderr, p.Name+":", err)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := p.run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
