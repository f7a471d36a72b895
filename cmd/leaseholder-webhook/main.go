// Command leaseholder-webhook is Leaseholder's part in the cluster: it answers
// for the pods that ask for an election sidecar, keeps its own certificate,
// grants every election its Lease, and shows on the pods who leads. Two replicas
// run and grant; one at a time, elected by the sidecar's own package, shows who leads.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
