package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/test/bench/plane"
	"github.com/leaseholder-dev/leaseholder/test/bench/report"
	"github.com/leaseholder-dev/leaseholder/test/bench/stats"
	"github.com/leaseholder-dev/leaseholder/test/contender"
)

// loads is how much is measured of a webhook that has much to look after.
type loads struct {
	// elections are the sizes, ascending; each election has pods pods.
	elections []int
	pods      int
	// atOnce is how many pods are created at a time.
	atOnce int
	// pace is how many renewals a second all elections write together.
	pace int
	// window is how long the webhook is watched while nothing but renewals happens,
	// and after it was started with everything there.
	window time.Duration
}

// crowd is a webhook, and the elections that it looks after.
type crowd struct {
	*bench
	plane   *plane.Plane
	admin   client.Client
	creator *creator
	webhook *hook
	start   func() (*hook, error)
	leaders []leader
	renewer *renewer
}

// load measures the webhook's memory and CPU time beside many elections, in a control
// plane of its own.
func (b *bench) load(ctx context.Context) (err error) {
	p, err := plane.Start(b.Assets)
	if err != nil {
		return err
	}
	defer func() { err = joined(err, p.Stop()) }()
	c := &crowd{bench: b, plane: p}
	if err := c.prepare(ctx); err != nil {
		return err
	}
	defer func() {
		if c.webhook != nil {
			err = joined(err, c.webhook.stop())
		}
	}()
	for _, n := range b.plan.loads.elections {
		measured := report.Load{Elections: n, Pods: n * b.plan.loads.pods, Pace: b.plan.loads.pace}
		for _, step := range []struct {
			name string
			do   func(context.Context, *report.Load) error
		}{
			{"create the pods of " + plural(n, "election"), c.grow},
			{"renew " + plural(n, "election"), c.rest},
			{"start the webhook beside " + plural(n, "election"), c.restart},
		} {
			if err := b.phase(step.name, func() error { return step.do(ctx, &measured) }); err != nil {
				return err
			}
		}
		b.report.Loads = append(b.report.Loads, measured)
	}
	return nil
}

// prepare starts the webhook as the chart does.
func (c *crowd) prepare(ctx context.Context) error {
	connection, err := c.plane.Config("bench-load")
	if err != nil {
		return err
	}
	if c.admin, err = client.New(connection, client.Options{}); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	if c.creator, err = newCreator(connection); err != nil {
		return err
	}
	if c.renewer, err = newRenewer(connection, c.plan.loads.pace); err != nil {
		return err
	}
	programs, err := contender.WebhookBinaries(ctx, filepath.Join(c.Dir, "contestants"))
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(c.Dir, "load.log"))
	if err != nil {
		return fmt.Errorf("make the webhook's log: %w", err)
	}
	for _, name := range []string{systemNamespace, namespaceOf(report.Leaseholder)} {
		err := c.admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
		if client.IgnoreAlreadyExists(err) != nil {
			return fmt.Errorf("make a namespace: %w", err)
		}
	}
	limit, err := chartLimit(ctx)
	if err != nil {
		return err
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: ownName + "-certificate"}}
	if err := c.admin.Create(ctx, secret); err != nil {
		return fmt.Errorf("make the webhook's secret: %w", err)
	}
	kubeconfig, err := c.plane.Kubeconfig(ownName)
	if err != nil {
		return err
	}
	own, err := installOwn(ctx, c.admin, kubeconfig, programs.LeaseholderPath, log)
	if err != nil {
		return err
	}
	own.env = append(own.env, "MEMORY_LIMIT="+strconv.FormatInt(limit, 10))
	c.start = func() (*hook, error) { return own.start(ctx) }
	c.webhook, err = c.start()
	return err
}

// chartLimit is the webhook's memory limit in the chart, in bytes.
func chartLimit(ctx context.Context) (int64, error) {
	root, err := contender.Root(ctx)
	if err != nil {
		return 0, err
	}
	content, err := os.ReadFile(filepath.Join(root, "charts", "leaseholder", "values.yaml"))
	if err != nil {
		return 0, fmt.Errorf("read the chart's memory limit: %w", err)
	}
	var values struct {
		Resources corev1.ResourceRequirements `json:"resources"`
	}
	if err := yaml.Unmarshal(content, &values); err != nil {
		return 0, fmt.Errorf("read the chart's memory limit: %w", err)
	}
	return values.Resources.Limits.Memory().Value(), nil
}

// grow creates the pods of new elections at full speed, and waits until their
// rights are there and their leaders are labelled.
func (c *crowd) grow(ctx context.Context, measured *report.Load) error {
	before, err := cpuTime(c.webhook.pid())
	if err != nil {
		return err
	}
	begun := now()
	have := len(c.leaders)
	took, err := c.createPods(ctx, have, measured.Elections)
	if err != nil {
		return err
	}
	measured.PodsPerSecond = float64(len(took)) / (now() - begun).Seconds()
	measured.Create = report.SampleOf(stats.Milliseconds(took))
	if err := c.awaitCount(ctx, "elections have their rights", bindings, measured.Elections); err != nil {
		return err
	}
	if c.leaders, err = c.elect(ctx); err != nil {
		return err
	}
	if err := c.renewer.each(ctx, c.leaders[have:], leader.takes); err != nil {
		return err
	}
	if err := c.awaitCount(ctx, "leaders are labelled", labelled, measured.Elections); err != nil {
		return err
	}
	after, err := cpuTime(c.webhook.pid())
	if err != nil {
		return err
	}
	measured.CreateCPU = float64((after - before).Microseconds()) / float64(len(took)) / 1000
	measured.CreatePeak, err = peakMiB(c.webhook.pid())
	return err
}

// createPods creates all pods of some elections, many at a time.
func (c *crowd) createPods(ctx context.Context, from, to int) ([]time.Duration, error) {
	var mu sync.Mutex
	var took []time.Duration
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(c.plan.loads.atOnce)
	for i := from * c.plan.loads.pods; i < to*c.plan.loads.pods && ctx.Err() == nil; i++ {
		group.Go(func() error {
			pod, err := encoded(injectortest.Medium, electionName(i/c.plan.loads.pods))
			if err != nil {
				return err
			}
			d, err := c.creator.create(ctx, report.Leaseholder, pod, metav1.CreateOptions{})
			mu.Lock()
			defer mu.Unlock()
			took = append(took, d)
			return err
		})
	}
	err := group.Wait()
	return took, err
}

func electionName(i int) string { return fmt.Sprintf("election-%05d", i) }

// rest watches the webhook while nothing but renewals happens.
func (c *crowd) rest(ctx context.Context, measured *report.Load) error {
	before, err := cpuTime(c.webhook.pid())
	if err != nil {
		return err
	}
	begun := now()
	written, err := c.renewer.renew(ctx, c.leaders, c.plan.loads.window)
	if err != nil {
		return err
	}
	took := now() - begun
	after, err := cpuTime(c.webhook.pid())
	if err != nil {
		return err
	}
	measured.RestCPU = float64(after-before) / float64(took)
	measured.Renewals = float64(written) / took.Seconds()
	measured.RestMiB, err = residentMiB(c.webhook.pid())
	return err
}

// restart starts the webhook anew with everything there, and watches it while
// renewals go on.
func (c *crowd) restart(ctx context.Context, measured *report.Load) error {
	if err := c.webhook.stop(); err != nil {
		return err
	}
	c.webhook = nil
	begun := now()
	var err error
	if c.webhook, err = c.start(); err != nil {
		return err
	}
	measured.StartSeconds = (now() - begun).Seconds()
	if _, err := c.renewer.renew(ctx, c.leaders, c.plan.loads.window); err != nil {
		return err
	}
	if measured.StartPeak, err = peakMiB(c.webhook.pid()); err != nil {
		return err
	}
	measured.StartMiB, err = residentMiB(c.webhook.pid())
	return err
}

// elect makes the first pod of every election its leader.
func (c *crowd) elect(ctx context.Context) ([]leader, error) {
	var pods metav1.PartialObjectMetadataList
	pods.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("PodList"))
	if err := c.admin.List(ctx, &pods, client.InNamespace(namespaceOf(report.Leaseholder))); err != nil {
		return nil, fmt.Errorf("list the pods: %w", err)
	}
	first := map[string]leader{}
	for i := range pods.Items {
		name := pods.Items[i].Labels[injector.LabelElection]
		if _, ok := first[name]; !ok || pods.Items[i].Labels[injector.LabelRole] == injector.RoleLeader {
			first[name] = leader{election: name, pod: pods.Items[i].Name, uid: string(pods.Items[i].UID)}
		}
	}
	leaders := make([]leader, 0, len(first))
	for i := range len(first) {
		l, ok := first[electionName(i)]
		if !ok {
			return nil, fmt.Errorf("find the pods of %q: there are none", electionName(i))
		}
		leaders = append(leaders, l)
	}
	return leaders, nil
}

// awaitCount waits until so many objects are there.
func (c *crowd) awaitCount(ctx context.Context, what string, of func() (metav1.PartialObjectMetadataList, client.MatchingLabels), n int) error {
	const glance, long = time.Second, 10 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	for {
		list, selector := of()
		if err := c.admin.List(ctx, &list, client.InNamespace(namespaceOf(report.Leaseholder)), selector); err != nil {
			return fmt.Errorf("wait until %s: %w", what, err)
		}
		if len(list.Items) >= n {
			return nil
		}
		if err := pause(ctx, glance); err != nil {
			return fmt.Errorf("wait until %s: %d of %d: %w", what, len(list.Items), n, err)
		}
	}
}

// bindings are the rights that the webhook has granted.
func bindings() (list metav1.PartialObjectMetadataList, selector client.MatchingLabels) {
	list.SetGroupVersionKind(rbacv1.SchemeGroupVersion.WithKind("RoleBindingList"))
	return list, client.MatchingLabels{config.LabelManagedBy: config.ManagedBy}
}

// labelled are the leaders' pods.
func labelled() (list metav1.PartialObjectMetadataList, selector client.MatchingLabels) {
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("PodList"))
	return list, client.MatchingLabels{injector.LabelRole: injector.RoleLeader}
}
