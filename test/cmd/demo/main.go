// Command demo tells what Leaseholder does, step by step, on a real cluster
// that it starts on this machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/leaseholder-dev/leaseholder/test/cluster"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	root := flags.String("root", ".", "the repository's `checkout`, built")
	dir := flags.String("dir", filepath.Join("bin", "cluster"), "the cluster's `directory`")
	keep := flags.Bool("keep", true, "leave the cluster up at the end")
	nodes := flags.Int("nodes", 3, "the `number` of nodes")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("read the flags: %w", err)
	}
	t := &teller{out: os.Stdout, begun: time.Now()}

	t.stepf("A real Kubernetes cluster on this machine: etcd, the control plane and %d nodes with kubelet and containerd.", *nodes)
	c, err := cluster.Start(ctx, cluster.Options{Nodes: *nodes, Dir: *dir, Out: os.Stdout})
	if errors.Is(err, cluster.ErrRunning) {
		return fmt.Errorf("%w: take it down with `make cluster-down` first", err)
	}
	if err != nil {
		return err
	}
	finished := false
	defer func() {
		if finished && *keep {
			return
		}
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		t.stepf("Taking the cluster down.")
		err = errors.Join(err, c.Stop(clean))
	}()
	s, err := newStory(t, *root, c)
	if err != nil {
		return err
	}
	if err := s.tell(ctx); err != nil {
		return err
	}
	finished = true
	if *keep {
		t.epilogue(c, *root)
	}
	return nil
}
