package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
	"github.com/leaseholder-dev/leaseholder/test/bench/plane"
	"github.com/leaseholder-dev/leaseholder/test/bench/report"
	"github.com/leaseholder-dev/leaseholder/test/contender"
)

// admissions is how much is measured of admission.
type admissions struct {
	// rounds is how many pods of each size are created one at a time.
	rounds int
	// blocks of perBlock pods are created atOnce, fewer of large ones.
	blocks, largeBlocks, perBlock, atOnce int
	// kept is how many pods are kept, for the webhook's memory.
	kept int
	// handler says how long, in the words of -benchtime, and how often the handler
	// alone is measured.
	handlerTime, handlerCount string
}

// admission measures what a pod's creation costs, and its webhook.
func (b *bench) admission(ctx context.Context, p *plane.Plane) (err error) {
	b.report.Admission = new(report.Admission)
	err = b.phase("the handler alone", func() (err error) {
		b.report.Admission.Handler, err = handlers(ctx, b.plan.admissions)
		return err
	})
	if err != nil {
		return err
	}
	f := &gate{bench: b, plane: p, hooks: map[string]*hook{}}
	defer func() { err = joined(err, f.stop()) }()
	if err := b.phase("start two webhooks", func() error { return f.start(ctx) }); err != nil {
		return err
	}
	f.memory(func(m *report.Memory, mib float64) { m.Rest = mib })
	for _, c := range []struct {
		name, election string
		size           injectortest.Size
		blocks         int
	}{
		{report.Small, known, injectortest.Small, b.plan.admissions.blocks},
		{report.First, unseen, injectortest.Small, b.plan.admissions.blocks},
		{report.Large, known, injectortest.Large, b.plan.admissions.largeBlocks},
	} {
		err := b.phase("create "+c.name+" pods", func() error { return f.creations(ctx, c.name, c.size, c.election, c.blocks) })
		if err != nil {
			return err
		}
	}
	f.memory(func(m *report.Memory, mib float64) { m.Load = mib })
	if err := b.phase("keep "+plural(b.plan.admissions.kept, "pod"), func() error { return f.keep(ctx) }); err != nil {
		return err
	}
	b.report.Admission.Kept = b.plan.admissions.kept
	f.memory(func(m *report.Memory, mib float64) { m.Kept = mib })
	for _, contestant := range contestants {
		if m, ok := f.measured[contestant]; ok {
			b.report.Admission.Memory = append(b.report.Admission.Memory, *m)
		}
	}
	return f.fault
}

// known is an election that has its Lease and its rights, unseen one that has not.
const known, unseen = "orders", "unseen"

// gate is the webhooks of a run and who asks them.
type gate struct {
	*bench
	plane    *plane.Plane
	admin    client.Client
	creator  *creator
	hooks    map[string]*hook
	log      *os.File
	measured map[string]*report.Memory
	fault    error
}

// start starts both webhooks, and waits until the API server asks them.
func (g *gate) start(ctx context.Context) error {
	config, err := g.plane.Config("bench-pods")
	if err != nil {
		return err
	}
	if g.admin, err = client.New(config, client.Options{}); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	if g.creator, err = newCreator(config); err != nil {
		return err
	}
	programs, err := contender.WebhookBinaries(ctx, filepath.Join(g.Dir, "contestants"))
	if err != nil {
		return err
	}
	if g.log, err = os.Create(filepath.Join(g.Dir, "webhooks.log")); err != nil {
		return fmt.Errorf("make the webhooks' log: %w", err)
	}
	names := []string{systemNamespace}
	for _, contestant := range contestants {
		names = append(names, namespaceOf(contestant))
	}
	for _, name := range names {
		if err := g.admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			return fmt.Errorf("make a namespace: %w", err)
		}
	}
	idle, asked, err := startIdle(ctx, g.admin, g.Dir, programs.IdlePath, g.log)
	if err != nil {
		return err
	}
	g.hooks[report.Idle] = idle
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: ownName + "-certificate"}}
	if err := g.admin.Create(ctx, secret); err != nil {
		return fmt.Errorf("make the webhook's secret: %w", err)
	}
	kubeconfig, err := g.plane.Kubeconfig(ownName)
	if err != nil {
		return err
	}
	own, err := startOwn(ctx, g.admin, kubeconfig, programs.LeaseholderPath, g.log)
	if err != nil {
		return err
	}
	g.hooks[report.Leaseholder] = own
	return g.awaitBoth(ctx, asked)
}

// awaitBoth waits until the API server asks both webhooks.
func (g *gate) awaitBoth(ctx context.Context, asked <-chan struct{}) error {
	pod, err := encoded(injectortest.Small, known)
	if err != nil {
		return err
	}
	err = until(ctx, "Leaseholder's webhook is asked", func() error {
		_, err := g.creator.create(ctx, report.Leaseholder, pod, dry)
		return err
	})
	if err != nil {
		return err
	}
	if _, err := g.creator.create(ctx, report.Leaseholder, pod, metav1.CreateOptions{}); err != nil {
		return err
	}
	if err := g.awaitRights(ctx, known); err != nil {
		return err
	}
	return until(ctx, "the idle webhook is asked", func() error {
		if _, err := g.creator.create(ctx, report.Idle, pod, dry); err != nil {
			return err
		}
		select {
		case <-asked:
			return nil
		default:
			return errors.New("it was not")
		}
	})
}

// stop ends the webhooks.
func (g *gate) stop() error {
	var errs []error
	for _, h := range g.hooks {
		errs = append(errs, h.stop())
	}
	if g.log != nil {
		errs = append(errs, g.log.Close())
	}
	return errors.Join(errs...)
}

// memory notes what the webhooks' processes have in memory.
func (g *gate) memory(note func(m *report.Memory, mib float64)) {
	if g.measured == nil {
		g.measured = map[string]*report.Memory{}
	}
	for contestant, h := range g.hooks {
		mib, err := residentMiB(h.pid())
		if err != nil {
			g.fault = joined(g.fault, err)
			continue
		}
		if g.measured[contestant] == nil {
			g.measured[contestant] = &report.Memory{Contestant: contestant}
		}
		note(g.measured[contestant], mib)
	}
}

// used is the CPU time of the contestants' webhooks so far.
func (g *gate) used() (map[string]time.Duration, error) {
	used := map[string]time.Duration{}
	for contestant, h := range g.hooks {
		var err error
		if used[contestant], err = cpuTime(h.pid()); err != nil {
			return nil, err
		}
	}
	return used, nil
}

// awaitRights waits until Leaseholder's webhook has granted an election its rights,
// and so has seen its pods.
func (g *gate) awaitRights(ctx context.Context, election string) error {
	binding := types.NamespacedName{Namespace: namespaceOf(report.Leaseholder), Name: "leaseholder-" + election}
	return until(ctx, "an election has its rights", func() error { return g.admin.Get(ctx, binding, &rbacv1.RoleBinding{}) })
}

// creations measures pods of one size, in an election.
func (g *gate) creations(ctx context.Context, name string, size injectortest.Size, election string, blocks int) error {
	pod, err := encoded(size, election)
	if err != nil {
		return err
	}
	a := g.plan.admissions
	// Connections are made, caches are filled and heaps grow before it counts.
	if _, err := g.creator.oneAtATime(ctx, pod, len(contestants)); err != nil {
		return err
	}
	before, err := g.used()
	if err != nil {
		return err
	}
	alone, err := g.creator.oneAtATime(ctx, pod, a.rounds)
	if err != nil {
		return err
	}
	between, err := g.used()
	if err != nil {
		return err
	}
	together := map[string][]time.Duration{}
	for block := range blocks {
		for _, contestant := range inTurn(contestants, block) {
			took, err := g.creator.block(ctx, contestant, pod, a.perBlock, a.atOnce, dry)
			if err != nil {
				return err
			}
			together[contestant] = append(together[contestant], took...)
		}
	}
	after, err := g.used()
	if err != nil {
		return err
	}
	r := g.report.Admission
	for _, c := range contestants {
		r.Creations = append(r.Creations, creation(c, name, 1, alone[c], between[c]-before[c]))
	}
	for _, c := range contestants {
		r.Creations = append(r.Creations, creation(c, name, a.atOnce, together[c], after[c]-between[c]))
	}
	return nil
}

// perElection is how many of the pods that are kept stand in one election.
const perElection = 10

// keep creates pods that stay, in many elections, and waits until Leaseholder's
// webhook has granted the rights of the last.
func (g *gate) keep(ctx context.Context) error {
	last := ""
	for i := range max(g.plan.admissions.kept/perElection, 1) {
		last = fmt.Sprintf("kept-%d", i)
		pod, err := encoded(injectortest.Small, last)
		if err != nil {
			return err
		}
		if _, err := g.creator.block(ctx, report.Leaseholder, pod, perElection, perElection, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return g.awaitRights(ctx, last)
}
