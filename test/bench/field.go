package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/leaseholder-dev/leaseholder/test/bench/plane"
	"github.com/leaseholder-dev/leaseholder/test/bench/report"
	"github.com/leaseholder-dev/leaseholder/test/contender"
)

// field is what all elections of a run share.
type field struct {
	plane    *plane.Plane
	watcher  *watcher
	programs contender.Set
	// log takes what the contestants' processes say.
	log *os.File
	// quiet is held by whoever must not be disturbed, and by whoever would
	// disturb: a failover of milliseconds, and a process that starts.
	quiet chan struct{}
	// kubeconfigs are those of the candidates' users, made as they are needed.
	kubeconfigs []string
	elections   int
}

func newField(p *plane.Plane, w *watcher, programs contender.Set, dir string) (*field, error) {
	log, err := os.Create(filepath.Join(dir, "contestants.log"))
	if err != nil {
		return nil, fmt.Errorf("open a log: %w", err)
	}
	return &field{plane: p, watcher: w, programs: programs, log: log, quiet: make(chan struct{}, 1)}, nil
}

// user is the name of the user of every election's candidate in this slot.
func user(slot int) string { return "candidate-" + strconv.Itoa(slot) }

// reserve makes the kubeconfigs for elections of so many candidates.
func (f *field) reserve(candidates int) error {
	for slot := len(f.kubeconfigs); slot < candidates; slot++ {
		path, err := f.plane.Kubeconfig(user(slot))
		if err != nil {
			return err
		}
		f.kubeconfigs = append(f.kubeconfigs, path)
	}
	return nil
}

// hush waits for quiet; the caller gives it back.
func (f *field) hush(ctx context.Context) (giveBack func(), err error) {
	select {
	case f.quiet <- struct{}{}:
		return func() { <-f.quiet }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// start starts a process of a contestant.
func (f *field) start(ctx context.Context, contestant string, o contender.Options) (*contender.Process, error) {
	o.Log = f.log
	if contestant == report.ClientGo {
		return f.programs.ClientGo(ctx, o)
	}
	return f.programs.Sidecar(ctx, o)
}
