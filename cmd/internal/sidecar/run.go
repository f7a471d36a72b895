package sidecar

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/leaseholder-dev/leaseholder/sidecar/api"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/counted"
)

// Exit codes.
const (
	exitOK = 0
	// exitFailed: a port is taken, or a server ended.
	exitFailed = 1
	// exitUsage: a flag, the environment, the kubeconfig or the lock's credentials are wrong.
	exitUsage = 2
)

// run is the command without the process: it returns the exit code.
func (p Program) run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { _, _ = fmt.Fprint(stderr, p.usage()) }
	showVersion := flags.Bool("version", false, "print the version and exit")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	case flags.NArg() > 0:
		_, _ = fmt.Fprintf(stderr, "unknown argument %q; allowed: none, see --help\n", flags.Arg(0))
		return exitUsage
	case *showVersion:
		_, _ = fmt.Fprintln(stdout, p.Version)
		return exitOK
	}
	settings, err := config.Parse(getenv)
	if err == nil {
		err = p.Locks.knows(settings.Lock)
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, p.Name+":", err)
		return exitUsage
	}
	log := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: settings.LogLevel}))
	defer logLibraries(log)()
	klog.SetSlogLogger(log.With("logger", "client-go"))
	kube, err := clientConfig(getenv, p.Name+"/"+p.Version)
	switch {
	case err == nil:
	case settings.Lock.InCluster():
		log.Error("the sidecar ends", "error", err)
		return exitUsage
	default:
		log.Warn("the election is reported nowhere: its lock needs no cluster, and there is none", "error", err)
	}
	l, err := p.Locks.open(ctx, kube, settings)
	if err != nil {
		log.Error("the sidecar ends", "error", err)
		return exitUsage
	}
	if err := serve(ctx, settings, l, kube, log); err != nil {
		log.Error("the sidecar ends", "error", err)
		return exitFailed
	}
	return exitOK
}

// serve takes part in the election until ctx ends. The servers outlive the
// candidate, so that nobody asks in vain while the lock is being released. Only a lock
// outside the cluster can do without kube.
func serve(ctx context.Context, s config.Settings, l lock.Lock, kube *rest.Config, log *slog.Logger) error {
	clock := election.BootTime{}
	termination := api.NewTermination(clock)
	identity := lock.Identity{Pod: s.PodName, UID: s.PodUID, Start: strconv.FormatInt(time.Now().UnixNano(), 36)}
	candidate := election.New(counted.New(l), election.Options{
		Identity: identity,
		Timing:   s.Timing,
		Polled:   !s.Lock.InCluster(),
		Release:  termination.InOrder,
		Clock:    clock,
		Logger:   log.With("election", s.Election, "identity", identity.String()),
	})
	report, err := reporter(kube, s, candidate, identity, log)
	if err != nil {
		return err
	}
	local, err := api.Listen(ctx, s.APIAddress)
	if err != nil {
		return fmt.Errorf("serve the local API: %w", err)
	}
	probes, err := api.Listen(ctx, s.ProbeAddress)
	if err != nil {
		return fmt.Errorf("serve the probes: %w", err)
	}

	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	group, failed := errgroup.WithContext(serving)
	group.Go(func() error { return api.Serve(failed, api.Local(s, candidate), local) })
	group.Go(func() error { return api.ServeProbes(failed, api.Probes(s, candidate, termination), probes) })
	group.Go(func() error {
		defer stopServing()
		return campaign(ctx, failed, s, candidate, report)
	})
	return group.Wait()
}

// campaign runs the candidate until either context ends, and a report beside it.
func campaign(ctx, failed context.Context, s config.Settings, candidate *election.Candidate, report func(context.Context)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(failed, cancel)()
	unlock, err := election.LockPod(ctx, s.PodUID, s.Election)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	defer unlock()
	var reporting sync.WaitGroup
	defer reporting.Wait()
	outlives, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	reporting.Go(func() { report(outlives) })
	candidate.Run(ctx)
	return nil
}
