package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
	"github.com/leaseholder-dev/leaseholder/test/bench/plane"
	"github.com/leaseholder-dev/leaseholder/test/bench/report"
	"github.com/leaseholder-dev/leaseholder/test/bench/stats"
	"github.com/leaseholder-dev/leaseholder/test/contender"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// granting is how much is measured of the wait for rights.
type granting struct {
	// rounds is how many elections are new one at a time, and blocks how often so many
	// are at once.
	rounds, blocks, atOnce int
}

// grants measures how long a new election waits for its rights.
func (b *bench) grants(ctx context.Context, p *plane.Plane) (err error) {
	g := &granter{bench: b, plane: p}
	defer func() { err = joined(err, g.stop()) }()
	if err := b.phase("start a webhook with the chart's rights", func() error { return g.start(ctx) }); err != nil {
		return err
	}
	b.report.Grants = new(report.Grants)
	plan := b.plan.grants
	err = b.phase("new elections, one at a time", func() error {
		_, err := g.block(ctx, "warm", 1) // connections are made, and caches filled
		return joined(err, g.waits(ctx, "alone", plan.rounds, 1))
	})
	if err != nil {
		return err
	}
	return b.phase(fmt.Sprintf("new elections, %d at once", plan.atOnce), func() error {
		return g.waits(ctx, "crowd", plan.blocks, plan.atOnce)
	})
}

// granter is the webhook of a run and who waits for its rights.
type granter struct {
	*bench
	plane   *plane.Plane
	admin   client.Client
	creator *creator
	writer  client.Client
	account *account
	hook    *hook
	log     *os.File
	// endWatch ends the account's watch.
	endWatch func()
}

func (g *granter) start(ctx context.Context) (err error) {
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
	if g.writer, err = client.New(impersonating(config, ownName), client.Options{}); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	objects, err := webhooktest.Installation()
	if err != nil {
		return fmt.Errorf("read the chart: %w", err)
	}
	objects = append(objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespaceOf(report.Leaseholder)}})
	for _, o := range objects {
		if err := g.admin.Create(ctx, o); err != nil {
			return fmt.Errorf("install the webhook: %w", err)
		}
	}
	if g.account, g.endWatch, err = newAccount(ctx, config); err != nil {
		return err
	}
	return g.startWebhook(ctx)
}

func (g *granter) startWebhook(ctx context.Context) error {
	programs, err := contender.WebhookBinaries(ctx, filepath.Join(g.Dir, "contestants"))
	if err != nil {
		return err
	}
	if g.log, err = os.Create(filepath.Join(g.Dir, "granting-webhook.log")); err != nil {
		return fmt.Errorf("make the webhook's log: %w", err)
	}
	kubeconfig, err := g.plane.KubeconfigOf(ownName)
	if err != nil {
		return err
	}
	if g.hook, err = startOwn(ctx, g.admin, kubeconfig, programs.LeaseholderPath, g.log); err != nil {
		return err
	}
	pod, err := encoded(injectortest.Small, known)
	if err != nil {
		return err
	}
	return until(ctx, "Leaseholder's webhook is asked", func() error {
		_, err := g.creator.create(ctx, report.Leaseholder, pod, dry)
		return err
	})
}

// stop ends everything.
func (g *granter) stop() error {
	var errs []error
	if g.endWatch != nil {
		g.endWatch()
	}
	if g.hook != nil {
		errs = append(errs, g.hook.stop())
	}
	if g.log != nil {
		errs = append(errs, g.log.Close())
	}
	return errors.Join(errs...)
}

// waits measures blocks of so many elections at once, and the floor as often, in turn.
func (g *granter) waits(ctx context.Context, name string, blocks, atOnce int) error {
	all := map[string][]time.Duration{}
	for i := range blocks {
		took, err := g.block(ctx, fmt.Sprintf("%s-%d", name, i), atOnce)
		if err != nil {
			return err
		}
		for what, some := range took {
			all[what] = append(all[what], some...)
		}
		// What is left to do about pods that went is not the next block's.
		if err := pause(ctx, floorPause+upTo(floorPause)); err != nil {
			return err
		}
	}
	for _, what := range report.Waits() {
		g.report.Grants.Waits = append(g.report.Grants.Waits, report.Wait{
			What: what, AtOnce: atOnce, Took: report.SampleOf(stats.Milliseconds(all[what])),
		})
	}
	return nil
}

// block measures so many new elections at once, and then the floor of as many. The
// pods go when it has ended, for each would be looked at for the next.
func (g *granter) block(ctx context.Context, name string, n int) (map[string][]time.Duration, error) {
	usable := make([]time.Duration, n)
	err := each(ctx, n, func(ctx context.Context, i int) (err error) {
		usable[i], err = g.election(ctx, fmt.Sprintf("%s-%d", name, i))
		return err
	})
	if err != nil {
		return nil, err
	}
	pods := []client.DeleteAllOfOption{client.InNamespace(namespaceOf(report.Leaseholder)), client.GracePeriodSeconds(0)}
	if err := g.admin.DeleteAllOf(ctx, &corev1.Pod{}, pods...); err != nil {
		return nil, fmt.Errorf("delete the pods: %w", err)
	}
	if err := pause(ctx, floorPause+upTo(floorPause)); err != nil {
		return nil, err
	}
	written, floor := make([]time.Duration, n), make([]time.Duration, n)
	err = each(ctx, n, func(ctx context.Context, i int) (err error) {
		written[i], floor[i], err = g.floor(ctx, fmt.Sprintf("floor-%s-%d", name, i))
		return err
	})
	return map[string][]time.Duration{report.ElectionUsable: usable, report.ThreeWritten: written, report.ThreeUsable: floor}, err
}

// each does something n times at once.
func each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for i := range n {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}

// election creates the first pod of an election, and says how long after that was
// answered its account could use the Lease.
func (g *granter) election(ctx context.Context, name string) (time.Duration, error) {
	pod, err := encoded(injectortest.Small, name)
	if err != nil {
		return 0, err
	}
	bound := g.account.bound(name)
	if _, err := g.creator.create(ctx, report.Leaseholder, pod, metav1.CreateOptions{}); err != nil {
		return 0, err
	}
	begun := now()
	if err := g.account.awaitUse(ctx, bound, name); err != nil {
		return 0, err
	}
	return now() - begun, nil
}

// floor makes the three objects as the webhook's account, one after the other, and
// says when they were written and when the account of pods could use the Lease.
func (g *granter) floor(ctx context.Context, name string) (written, usable time.Duration, err error) {
	bound := g.account.bound(name)
	begun := now()
	for _, o := range threeObjects(namespaceOf(report.Leaseholder), name) {
		if err := g.writer.Create(ctx, o); err != nil {
			return 0, 0, fmt.Errorf("write the floor's objects: %w", err)
		}
	}
	written = now() - begun
	if err := g.account.awaitUse(ctx, bound, name); err != nil {
		return 0, 0, err
	}
	return written, now() - begun, nil
}
