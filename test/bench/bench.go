package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leaseholder-dev/leaseholder/test/bench/plane"
	"github.com/leaseholder-dev/leaseholder/test/bench/report"
	"github.com/leaseholder-dev/leaseholder/test/bench/stats"
	"github.com/leaseholder-dev/leaseholder/test/contender"
)

// Run measures everything, or fails: a report is whole. It ends all processes
// that it started.
func Run(ctx context.Context, o Options) (r *report.Report, err error) {
	if plane.Missing(o.Assets) {
		return nil, fmt.Errorf("run a benchmark: %q lacks kube-apiserver or etcd (make control-plane)", o.Assets)
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a directory for the contestants: %w", err)
	}
	b := &bench{Options: o, plan: o.plan(), report: &report.Report{Begun: time.Now(), Quick: o.Quick}}
	if err := b.describeMachine(ctx); err != nil {
		return nil, err
	}
	p, err := b.start()
	if err != nil {
		return nil, err
	}
	defer func() { err = joined(err, p.Stop()) }()
	b.report.Machine.Kubernetes = p.Version
	b.report.Machine.Store = "etcd without fsync, on a disk"
	if p.InMemory {
		b.report.Machine.Store = "etcd without fsync, in memory"
	}

	if o.measures(PartElection) {
		if err := b.elections(ctx, p); err != nil {
			return nil, err
		}
	}
	if o.measures(PartAdmission) {
		if err := b.admission(ctx, p); err != nil {
			return nil, err
		}
	}
	if o.measures(PartGrants) {
		if err := b.grantsAfresh(ctx, p); err != nil {
			return nil, err
		}
	}
	return b.report, nil
}

// bench is one run.
type bench struct {
	Options
	plan   plan
	report *report.Report
}

// start starts a control plane.
func (b *bench) start() (p *plane.Plane, err error) {
	err = b.phase("start a control plane", func() (err error) {
		p, err = plane.Start(b.Assets)
		return err
	})
	return p, err
}

// grantsAfresh measures grants on this control plane if it is as good as new, and
// on another if not: no pod of another part may be in the way.
func (b *bench) grantsAfresh(ctx context.Context, p *plane.Plane) (err error) {
	if b.measures(PartElection) || b.measures(PartAdmission) {
		if p, err = b.start(); err != nil {
			return err
		}
		defer func() { err = joined(err, p.Stop()) }()
	}
	return b.grants(ctx, p)
}

// elections measures the sidecar beside client-go's elector.
func (b *bench) elections(ctx context.Context, p *plane.Plane) (err error) {
	var programs contender.Set
	err = b.phase("compile the contestants", func() (err error) {
		programs, err = contender.Binaries(ctx, filepath.Join(b.Dir, "contestants"))
		return err
	})
	if err != nil {
		return err
	}
	if err := b.sizes(programs); err != nil {
		return err
	}
	// The watch must outlast what waits for it, and end before the API server.
	watching, stop := context.WithCancel(ctx)
	w := newWatcher()
	leases, err := p.Client("bench-watcher")
	if err != nil {
		stop()
		return err
	}
	group := new(errgroup.Group)
	group.Go(func() error { return w.run(watching, leases) })
	defer func() {
		stop()
		err = joined(err, group.Wait())
	}()
	f, err := newField(p, w, programs, b.Dir)
	if err != nil {
		return err
	}
	defer f.log.Close()
	return b.measure(ctx, f)
}

// joined is errors.Join that leaves one error as it is.
func joined(err, later error) error {
	if later == nil {
		return err
	}
	return errors.Join(err, later)
}

// measure does everything that elections need the control plane for.
func (b *bench) measure(ctx context.Context, f *field) error {
	err := b.phase("at rest, both, all sizes", func() (err error) {
		b.report.Rest, err = f.atRest(ctx, b.plan.rest)
		return err
	})
	if err != nil {
		return err
	}
	floor, err := newFloor(ctx, f.plane)
	if err != nil {
		return err
	}
	defer floor.stop()
	between := func(ctx context.Context) error {
		for range b.plan.floorRounds {
			// An election's writes come after a pause too.
			if err := pause(ctx, floorPause+upTo(floorPause)); err != nil {
				return err
			}
			if err := floor.round(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	nothing := func(context.Context) error { return nil }
	for _, s := range b.plan.graceful {
		if err := b.failovers(ctx, f, between, s); err != nil {
			return err
		}
	}
	b.report.Floor = report.SampleOf(stats.Milliseconds(floor.took))
	for _, s := range b.plan.crash {
		if err := b.failovers(ctx, f, nothing, s); err != nil {
			return err
		}
	}
	return b.failovers(ctx, f, nothing, b.plan.crowdGraceful, b.plan.crowdCrash)
}

// floorPause, and up to as much again, is between two rounds of the floor.
const floorPause = 20 * time.Millisecond

// failovers runs series one after the other in the same elections.
func (b *bench) failovers(ctx context.Context, f *field, between func(context.Context) error, all ...series) (err error) {
	var elections []*election
	start := fmt.Sprintf("start %s of %s by %s", plural(all[0].elections, "election"), plural(all[0].candidates, "candidate"), all[0].contestant)
	err = b.phase(start, func() (err error) {
		elections, err = f.startElections(ctx, all[0])
		return err
	})
	if err != nil {
		return err
	}
	defer func() { err = joined(err, stopAll(ctx, elections)) }()
	for _, s := range all {
		err := b.phase(s.String(), func() error {
			result, err := f.failovers(ctx, s, elections, between)
			b.report.Failovers = append(b.report.Failovers, result)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// phase does a part of the run and notes how long it took, and how busy the
// machine was.
func (b *bench) phase(name string, do func() error) error {
	before, err := machineUsage()
	if err != nil {
		return err
	}
	begun := now()
	fmt.Fprintf(b.Out, "%s …\n", name)
	if err := do(); err != nil {
		return err
	}
	took := now() - begun
	after, err := machineUsage()
	if err != nil {
		return err
	}
	b.report.Phases = append(b.report.Phases, report.Phase{Name: name, Seconds: took.Seconds(), Busy: after.since(before)})
	fmt.Fprintf(b.Out, "%s: %s\n", name, took.Round(100*time.Millisecond))
	return nil
}

// describeMachine says what the run runs on, and what else runs there.
func (b *bench) describeMachine(ctx context.Context) error {
	before, err := machineUsage()
	if err != nil {
		return err
	}
	if err := pause(ctx, time.Second); err != nil {
		return err
	}
	after, err := machineUsage()
	if err != nil {
		return err
	}
	b.report.Machine = report.Machine{
		CPUs: runtime.NumCPU(), Model: cpuModel(), System: system(), Go: runtime.Version(), BusyBefore: after.since(before),
	}
	return nil
}

// plural is "1 candidate", "3 candidates".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// sizes notes the executables' sizes.
func (b *bench) sizes(programs contender.Set) error {
	for contestant, path := range map[string]string{report.Leaseholder: programs.SidecarPath, report.ClientGo: programs.ClientGoPath} {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("look at the executable of %s: %w", contestant, err)
		}
		b.report.Programs = append(b.report.Programs, report.Program{Contestant: contestant, Bytes: info.Size()})
	}
	slices.SortFunc(b.report.Programs, func(x, y report.Program) int { return strings.Compare(y.Contestant, x.Contestant) })
	return nil
}
