// Command elector stands in an election as a typical application of client-go
// does: with tools/leaderelection's LeaderElector on a Lease, and a typed client.
// It says on standard output when it led, in the lines of package event.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/test/contender/event"
)

// What to do when the lead is lost.
const (
	again = "again"
	exit  = "exit"
)

type options struct {
	kubeconfig, namespace, lease, identity string
	leaseDuration, renewDeadline           time.Duration
	retryPeriod                            time.Duration
	release                                bool
	onLost                                 string
}

func main() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	err := run(os.Args[1:], signals, os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "elector:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("elector", flag.ContinueOnError)
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "the kubeconfig `file`")
	flags.StringVar(&o.namespace, "namespace", metav1.NamespaceDefault, "the Lease's `namespace`")
	flags.StringVar(&o.lease, "lease", "", "the Lease's `name`")
	flags.StringVar(&o.identity, "identity", "", "this candidate's `name`")
	flags.DurationVar(&o.leaseDuration, "lease-duration", 15*time.Second, "as LeaseDuration of client-go")
	flags.DurationVar(&o.renewDeadline, "renew-deadline", 10*time.Second, "as RenewDeadline of client-go")
	flags.DurationVar(&o.retryPeriod, "retry-period", 2*time.Second, "as RetryPeriod of client-go")
	flags.BoolVar(&o.release, "release-on-cancel", false, "as ReleaseOnCancel of client-go")
	flags.StringVar(&o.onLost, "on-lost", again, "what to do when the lead is lost: again, stand anew, or exit, with code 1")
	if err := flags.Parse(args); err != nil {
		return o, fmt.Errorf("read the flags: %w", err)
	}
	if o.onLost != again && o.onLost != exit {
		return o, fmt.Errorf("read the flags: --on-lost=%q is refused, allowed: %s, %s", o.onLost, again, exit)
	}
	return o, nil
}

func run(args []string, signals <-chan os.Signal, out io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	kube, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return fmt.Errorf("read the kubeconfig %q: %w", o.kubeconfig, err)
	}
	client, err := kubernetes.NewForConfig(kube)
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r := &reporter{out: out}
	go func() {
		<-signals
		r.say(event.Cancelled)
		cancel()
	}()
	r.say(event.Standing)
	for {
		if err := stand(ctx, o, client, r); err != nil {
			return err
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case o.onLost == exit:
			return errors.New("the lead is lost")
		}
	}
}

// stand runs one LeaderElector until it has led and lost the lead, or ctx ends.
func stand(ctx context.Context, o options, client kubernetes.Interface, r *reporter) error {
	t := &term{reporter: r}
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: o.namespace, Name: o.lease},
			Client:     client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: o.identity},
		},
		LeaseDuration:   o.leaseDuration,
		RenewDeadline:   o.renewDeadline,
		RetryPeriod:     o.retryPeriod,
		ReleaseOnCancel: o.release,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { t.started() },
			OnStoppedLeading: t.stopped,
		},
	})
	if err != nil {
		return fmt.Errorf("make an elector: %w", err)
	}
	elector.Run(ctx)
	return nil
}

// term is one run of a LeaderElector. client-go calls OnStartedLeading in a
// goroutine of its own, and OnStoppedLeading also where it never led.
type term struct {
	*reporter

	mu          sync.Mutex
	began, over bool
}

func (t *term) started() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over {
		t.began = true
		t.say(event.Leading)
	}
}

func (t *term) stopped() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	if t.began {
		t.say(event.Stopped)
	}
}

// reporter writes events.
type reporter struct {
	mu  sync.Mutex
	out io.Writer
}

// say reports what happens now. Without its reader, this process is of no use.
func (r *reporter) say(kind event.Kind) {
	at := election.BootTime{}.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := (event.Event{Kind: kind, At: at}).Write(r.out); err != nil {
		panic(err)
	}
}
