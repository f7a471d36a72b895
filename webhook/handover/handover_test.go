package handover_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	leaselock "github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/event"
	"github.com/leaseholder-dev/leaseholder/webhook/handover"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

var cluster webhooktest.Cluster

func TestMain(m *testing.M) { os.Exit(webhooktest.Main(m, &cluster)) }

// window is what the tests' clock is set forward by.
const window = 31 * time.Second

// clock is the controller's, which a test sets forward.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// patches is a client that counts its patches of Leases by their names.
type patches struct {
	client.Client
	mu    sync.Mutex
	count map[string]int
}

func (p *patches) Patch(ctx context.Context, o client.Object, patch client.Patch, options ...client.PatchOption) error {
	p.mu.Lock()
	p.count[o.GetName()]++
	p.mu.Unlock()
	return p.Client.Patch(ctx, o, patch, options...)
}

func (p *patches) of(name string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count[name]
}

// start runs the controller with the rights that the chart gives it.
func start(t *testing.T) (*clock, *patches) {
	t.Helper()
	now := &clock{now: time.Now()}
	counted := &patches{Client: cluster.Client, count: map[string]int{}}
	c := handover.New(handover.Options{
		Cache:     cluster.Cache(t),
		Client:    counted,
		Teller:    event.Teller{Client: cluster.Client, Instance: t.Name(), Logger: slog.Default()},
		Namespace: webhooktest.Namespace,
		Now:       now.Now,
	})
	webhooktest.Background(t, "handover", c.Run)
	return now, counted
}

// elected is an election whose lock a test writes.
type elected struct {
	*testing.T
	lock lock.Lock
	name types.NamespacedName
}

func newElected(t *testing.T, namespace, name string) *elected {
	t.Helper()
	l, err := leaselock.NewReport(cluster.Config, namespace, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &elected{T: t, lock: l, name: types.NamespacedName{Namespace: namespace, Name: name}}
}

// write writes a record on top of what the lock says.
func (e *elected) write(ctx context.Context, change func(r *lock.Record)) {
	e.Helper()
	now, err := e.lock.Read(ctx)
	for err == nil {
		r := now.Record
		r.Duration, r.Renewed, r.Mark = 15*time.Second, r.Renewed.Add(time.Second), ""
		change(&r)
		_, err = e.lock.Write(ctx, now, r)
		if !errors.Is(err, lock.ErrConflict) {
			break
		}
		now, err = e.lock.Read(ctx)
	}
	if err != nil {
		e.Fatal(err)
	}
}

func (e *elected) renew(ctx context.Context) { e.Helper(); e.write(ctx, func(*lock.Record) {}) }

// hold begins a term of the pod, and gives the holder's identity.
func (e *elected) hold(pod *corev1.Pod) string {
	e.Helper()
	var holder string
	e.write(e.Context(), func(r *lock.Record) {
		r.Token++
		holder = lock.Identity{Pod: pod.Name, UID: string(pod.UID), Start: strconv.FormatInt(r.Token, 10)}.String()
		r.Holder, r.Stamp, r.StepDown, r.Preferred = holder, holder, "", ""
	})
	return holder
}

// asked waits until the holder is asked to hand over to that pod.
func (e *elected) asked(holder string, to *corev1.Pod) {
	e.Helper()
	webhooktest.Eventually(e.T, "a request for "+to.Name, func(ctx context.Context) error {
		now, err := e.lock.Read(ctx)
		if err == nil && (now.Record.StepDown != holder || now.Record.Preferred != to.Name) {
			err = fmt.Errorf("it is %q to %q", now.Record.StepDown, now.Record.Preferred)
		}
		return err
	})
}

// look makes the controller plan the election at its present time.
func (e *elected) look(ctx context.Context) {
	e.Helper()
	l := &coordinationv1.Lease{}
	l.Namespace, l.Name = e.name.Namespace, e.name.Name
	body := fmt.Appendf(nil, `{"metadata":{"annotations":{"example.com/look":"%d"}}}`, time.Now().UnixNano())
	if err := cluster.Admin.Patch(ctx, l, client.RawPatch(types.MergePatchType, body)); err != nil {
		e.Fatal(err)
	}
}

func prioritized(priority string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Annotations = map[string]string{injector.AnnotationPriority: priority} }
}

// newPod makes a Ready pod.
func newPod(t *testing.T, namespace, name, election, priority string) *corev1.Pod {
	t.Helper()
	pod := cluster.NewPod(t, namespace, name, election, "", prioritized(priority))
	cluster.SetReady(t, pod, true)
	return pod
}

// settled returns when the controller has planned what there was before.
func settled(t *testing.T, now *clock, namespace string) {
	t.Helper()
	e := newElected(t, namespace, "settled")
	low, high := newPod(t, namespace, "settled-low", "settled", "0"), newPod(t, namespace, "settled-high", "settled", "1")
	holder := e.hold(low)
	seen(t, now, e)
	e.asked(holder, high)
}

// seen lets a window pass after the controller has seen how an election stands.
// What it sees later waits another.
func seen(t *testing.T, now *clock, e *elected) {
	t.Helper()
	webhooktest.Eventually(t, "a request in "+e.name.Name, func(ctx context.Context) error {
		now.advance(window)
		e.look(ctx)
		read, err := e.lock.Read(ctx)
		if err == nil && read.Record.StepDown == "" {
			err = errors.New("there is none")
		}
		return err
	})
}

func TestTheLeadGoesToTheHighestReadyCandidate(t *testing.T) {
	now, writes := start(t)
	n := cluster.NewNamespace(t)
	e := newElected(t, n, "orders")
	a, b := newPod(t, n, "a", "orders", "0"), newPod(t, n, "b", "orders", "5")
	newPod(t, n, "c", "orders", "-3")
	late := cluster.NewPod(t, n, "late", "orders", "", prioritized("9"))

	first := e.hold(a)
	e.renew(t.Context())
	seen(t, now, e)
	e.asked(first, b)
	second := e.hold(b)
	cluster.SetReady(t, late, true)
	seen(t, now, e)
	e.asked(second, late)
	if got := writes.of("orders"); got < 2 {
		t.Errorf("%d requests", got)
	}
	webhooktest.Eventually(t, "one event for each", func(ctx context.Context) error {
		var list eventsv1.EventList
		if err := cluster.Admin.List(ctx, &list, client.InNamespace(n)); err != nil {
			return err
		}
		to := map[string]int{}
		for _, found := range list.Items {
			if found.Reason == handover.ReasonHandOver && found.Regarding.Kind == "Lease" && found.Regarding.Name == "orders" {
				to[found.Related.Name]++
				t.Log(found.Note)
			}
		}
		if len(to) != 2 || to["b"] != 1 || to["late"] != 1 {
			return fmt.Errorf("%v", to)
		}
		return nil
	})
}

func TestTheLeaderOfAReportIsAskedToo(t *testing.T) {
	now, _ := start(t)
	n := cluster.NewNamespace(t)
	e := newElected(t, n, "orders")
	e.write(t.Context(), func(r *lock.Record) { r.Reports = "gs://shop-locks/orders" })
	a, b := newPod(t, n, "a", "orders", "0"), newPod(t, n, "b", "orders", "5")
	holder := e.hold(a)
	seen(t, now, e)
	e.asked(holder, b)
}

func TestAStandbyThatIsNeverReadyIsJudgedByItsContainers(t *testing.T) {
	now, _ := start(t)
	n := cluster.NewNamespace(t)
	e := newElected(t, n, "orders")
	unready := func(p *corev1.Pod) {
		prioritized("5")(p)
		env := &p.Spec.InitContainers[0].Env
		*env = append(*env, corev1.EnvVar{Name: config.StandbyMode.Variable(), Value: string(config.StandbyUnready)})
	}
	a := cluster.NewPod(t, n, "a", "orders", "")
	b := cluster.NewPod(t, n, "b", "orders", "", unready)
	c := cluster.NewPod(t, n, "c", "orders", "", unready)
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	for _, p := range []*corev1.Pod{b, c} {
		cluster.SetReady(t, p, false)
		cluster.SetStatus(t, p, func(s *corev1.PodStatus) {
			s.InitContainerStatuses = []corev1.ContainerStatus{{Name: injector.ContainerName, Started: new(true), State: running}}
			s.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", Ready: p == c, Started: new(true), State: running}}
		})
	}
	holder := e.hold(a)
	seen(t, now, e)
	e.asked(holder, c)
}

func TestARequestIsMadeAmongRenewals(t *testing.T) {
	now, _ := start(t)
	n := cluster.NewNamespace(t)
	e := newElected(t, n, "orders")
	a, b := newPod(t, n, "a", "orders", "0"), newPod(t, n, "b", "orders", "1")
	holder := e.hold(a)
	renewing, stop := context.WithCancel(t.Context())
	var renewals sync.WaitGroup
	renewals.Go(func() {
		for renewing.Err() == nil {
			e.renew(context.WithoutCancel(renewing))
		}
	})
	seen(t, now, e)
	stop()
	renewals.Wait()
	e.asked(holder, b)
}

func TestNothingIsWrittenWhereNothingIsToBeHandedOver(t *testing.T) {
	now, writes := start(t)
	n := cluster.NewNamespace(t)

	equal := newElected(t, n, "equal")
	equal.hold(newPod(t, n, "equal-a", "equal", "3"))
	newPod(t, n, "equal-b", "equal", "3")

	best := newElected(t, n, "best")
	best.hold(newPod(t, n, "best-a", "best", "3"))
	newPod(t, n, "best-b", "best", "2")

	foreign := newElected(t, n, "foreign")
	foreign.hold(newPod(t, n, "foreign-a", "foreign", "0"))
	foreign.write(t.Context(), func(r *lock.Record) { r.Stamp = "" })
	newPod(t, n, "foreign-b", "foreign", "1")

	// Its leader is in another cluster, and has a pod's name of this one.
	far := newElected(t, n, "far")
	far.write(t.Context(), func(r *lock.Record) { r.Reports = "gs://shop-locks/far" })
	newPod(t, n, "far-a", "far", "0")
	newPod(t, n, "far-b", "far", "1")
	far.hold(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "far-a", UID: "u-far"}})

	elsewhere := newElected(t, webhooktest.Namespace, "own")
	ownA, ownB := newPod(t, webhooktest.Namespace, "own-a", "own", "0"), newPod(t, webhooktest.Namespace, "own-b", "own", "1")
	t.Cleanup(func() {
		// This namespace is not the test's own.
		own := &coordinationv1.Lease{}
		own.Namespace, own.Name = webhooktest.Namespace, "own"
		for _, o := range []client.Object{ownA, ownB, own} {
			if err := cluster.Admin.Delete(context.WithoutCancel(t.Context()), o, client.GracePeriodSeconds(0)); err != nil {
				t.Error(err)
			}
		}
	})
	elsewhere.hold(ownA)

	settled(t, now, n)
	all := []*elected{equal, best, foreign, far, elsewhere}
	for _, e := range all {
		e.look(t.Context())
	}
	settled(t, now, cluster.NewNamespace(t))
	for _, e := range all {
		if got := writes.of(e.name.Name); got > 0 {
			t.Errorf("%d patches of %s", got, e.name)
		}
	}
}
