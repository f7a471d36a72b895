package roles_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	leaselock "github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/event"
	"github.com/leaseholder-dev/leaseholder/webhook/roles"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

var cluster webhooktest.Cluster

// cost is the deletion cost of a leader's pod.
const cost = "5323"

func TestMain(m *testing.M) { os.Exit(webhooktest.Main(m, &cluster)) }

func start(t *testing.T) (stop func()) {
	t.Helper()
	return startWith(t, cluster.Client)
}

func startWith(t *testing.T, writer client.Client) (stop func()) {
	t.Helper()
	c := roles.New(roles.Options{
		Cache:     cluster.Cache(t),
		Client:    writer,
		Teller:    event.Teller{Client: cluster.Client, Instance: t.Name(), Logger: slog.Default()},
		Namespace: webhooktest.Namespace,
	})
	return webhooktest.Background(t, "roles", c.Run)
}

// elected is an election that a test writes the lock or report of, by their own code.
type elected struct {
	t    *testing.T
	lock lock.Lock
	now  lock.Snapshot
	name types.NamespacedName
}

func newElected(t *testing.T, namespace, name string) *elected {
	t.Helper()
	l, err := leaselock.NewReport(cluster.Config, namespace, name)
	if err != nil {
		t.Fatal(err)
	}
	e := &elected{t: t, lock: l, name: types.NamespacedName{Namespace: namespace, Name: name}}
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e.now, err = l.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

// write writes a record on top of what the lock says.
func (e *elected) write(change func(r *lock.Record)) {
	e.t.Helper()
	r := e.now.Record
	r.Duration, r.Renewed, r.Mark = 15*time.Second, e.now.Record.Renewed.Add(time.Second), ""
	change(&r)
	next, err := e.lock.Write(e.t.Context(), e.now, r)
	if err != nil {
		e.t.Fatal(err)
	}
	e.now = next
}

func (e *elected) hold(pod *corev1.Pod, token int64) {
	e.t.Helper()
	holder := lock.Identity{Pod: pod.Name, UID: string(pod.UID), Start: "1"}.String()
	e.write(func(r *lock.Record) { r.Holder, r.Stamp, r.Token = holder, holder, token })
}

func (e *elected) renew() {
	e.t.Helper()
	e.write(func(*lock.Record) {})
}

func (e *elected) release() {
	e.t.Helper()
	e.write(func(r *lock.Record) { r.Mark, r.Holder, r.Stamp = lock.ReleaseMark(r.Holder, r.Renewed), "", "" })
}

func roleOf(ctx context.Context, pod *corev1.Pod) (role, token, cost string, err error) {
	var got corev1.Pod
	err = cluster.Admin.Get(ctx, client.ObjectKeyFromObject(pod), &got)
	return got.Labels[injector.LabelRole], got.Annotations[injector.AnnotationToken], got.Annotations[corev1.PodDeletionCost], err
}

// shows waits until the pod shows a role, a token and a deletion cost.
func shows(t *testing.T, pod *corev1.Pod, role, token, cost string) {
	t.Helper()
	webhooktest.Eventually(t, "pod "+pod.Name+" is "+role, func(ctx context.Context) error {
		r, k, c, err := roleOf(ctx, pod)
		if err == nil && (r != role || k != token || c != cost) {
			err = fmt.Errorf("role %q, token %q, cost %q", r, k, c)
		}
		return err
	})
}

// told counts the Events with a reason on an object.
func told(ctx context.Context, uid types.UID, namespace, reason string) (int, error) {
	var list eventsv1.EventList
	err := cluster.Admin.List(ctx, &list, client.InNamespace(namespace))
	count := 0
	for _, e := range list.Items {
		if e.Regarding.UID == uid && e.Reason == reason {
			count++
			if e.Series != nil {
				return 0, fmt.Errorf("event %s was repeated", e.Name)
			}
		}
	}
	return count, err
}

func toldTimes(t *testing.T, uid types.UID, namespace, reason string, times int) {
	t.Helper()
	webhooktest.Eventually(t, fmt.Sprintf("%d events %s", times, reason), func(ctx context.Context) error {
		got, err := told(ctx, uid, namespace, reason)
		if err == nil && got != times {
			err = fmt.Errorf("%d of them", got)
		}
		return err
	})
}

func (e *elected) uid() types.UID { return types.UID(e.now.UID) }

func TestRolesFollowTheLock(t *testing.T) {
	start(t)
	n := cluster.NewNamespace(t)
	e := newElected(t, n, "orders")
	a, b := cluster.NewPod(t, n, "a", "orders", ""), cluster.NewPod(t, n, "b", "orders", "")

	e.hold(a, 10)
	shows(t, a, "leader", "10", cost)
	e.renew()
	e.renew()
	e.hold(b, 11)
	shows(t, b, "leader", "11", cost)
	shows(t, a, "standby", "11", "")
	e.release()
	shows(t, b, "standby", "11", "")
	e.hold(b, 12)
	shows(t, b, "leader", "12", cost)

	for _, c := range []struct {
		uid    types.UID
		reason string
		times  int
	}{
		{a.UID, roles.ReasonElected, 1},
		{a.UID, roles.ReasonLost, 1},
		{a.UID, roles.ReasonReleased, 0},
		{b.UID, roles.ReasonElected, 2},
		{b.UID, roles.ReasonReleased, 1},
		{b.UID, roles.ReasonLost, 0},
		{e.uid(), roles.ReasonElected, 3},
		{e.uid(), roles.ReasonReleased, 1},
	} {
		toldTimes(t, c.uid, n, c.reason, c.times)
	}
}

// A leader in another cluster has no pod here: all that are, are standbys.
func TestRolesFollowAReport(t *testing.T) {
	start(t)
	n := cluster.NewNamespace(t)
	e := newElected(t, n, "orders")
	a, b := cluster.NewPod(t, n, "a", "orders", ""), cluster.NewPod(t, n, "b", "orders", "")
	far := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "u-far"}}

	e.write(func(r *lock.Record) { r.Reports = "gs://shop-locks/orders" })
	e.hold(far, 9)
	e.hold(a, 10)
	shows(t, a, "leader", "10", cost)
	e.hold(far, 11)
	shows(t, a, "standby", "11", "")
	e.release()
	e.hold(b, 12)
	shows(t, b, "leader", "12", cost)
	toldTimes(t, a.UID, n, roles.ReasonElected, 1)
	toldTimes(t, a.UID, n, roles.ReasonLost, 1)
	toldTimes(t, b.UID, n, roles.ReasonElected, 1)
}

func TestTheOldLeaderIsRelabelledBeforeTheNew(t *testing.T) {
	start(t)
	n := cluster.NewNamespace(t)
	e := newElected(t, n, "orders")
	pods := []*corev1.Pod{cluster.NewPod(t, n, "a", "orders", ""), cluster.NewPod(t, n, "b", "orders", ""), cluster.NewPod(t, n, "c", "orders", "")}

	clientset, err := kubernetes.NewForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	watch, err := clientset.CoreV1().Pods(n).Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()

	const terms = 30
	for token := int64(1); token <= terms; token++ {
		pod := pods[token%3]
		e.hold(pod, token)
		if token%5 == 0 || token == terms {
			shows(t, pod, "leader", strconv.FormatInt(token, 10), cost)
		}
	}
	// The watch shows all changes in the order in which they were made.
	role, token := map[string]string{}, map[string]int64{}
	for w := range watch.ResultChan() {
		pod, ok := w.Object.(*corev1.Pod)
		if !ok {
			t.Fatalf("the watch ended: %v", w.Object)
		}
		role[pod.Name] = pod.Labels[injector.LabelRole]
		if known, err := strconv.ParseInt(pod.Annotations[injector.AnnotationToken], 10, 64); err == nil {
			if known < token[pod.Name] {
				t.Errorf("pod %s went back from token %d to %d", pod.Name, token[pod.Name], known)
			}
			token[pod.Name] = known
		}
		leaders := 0
		for _, r := range role {
			if r == injector.RoleLeader {
				leaders++
			}
		}
		if leaders > 1 {
			t.Errorf("two leaders at once: %v", role)
		}
		if role[pod.Name] == injector.RoleLeader && token[pod.Name] == terms {
			return
		}
	}
	t.Fatal("the last leader was never seen")
}

// ahead is a client to which the Lease has the token 11 already.
type ahead struct{ client.Client }

func (a ahead) Get(ctx context.Context, key client.ObjectKey, o client.Object, options ...client.GetOption) error {
	err := a.Client.Get(ctx, key, o, options...)
	o.SetAnnotations(map[string]string{leaselock.TokenAnnotation: "11"})
	return err
}

func TestAnOldViewOfTheLockOverwritesNothing(t *testing.T) {
	n := cluster.NewNamespace(t)
	e := newElected(t, n, "orders")
	a, b := cluster.NewPod(t, n, "a", "orders", ""), cluster.NewPod(t, n, "b", "orders", "")
	e.hold(a, 10)
	// Another replica, which knows a later term, has been here already.
	later := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"leaseholder.dev/role":"leader"},"annotations":{"leaseholder.dev/token":"11"}}}`))
	if err := cluster.Client.Patch(t.Context(), b.DeepCopy(), later); err != nil {
		t.Fatal(err)
	}
	startWith(t, ahead{cluster.Client})
	// An election that comes later is worked on, so this one was.
	other := newElected(t, n, "other")
	c := cluster.NewPod(t, n, "c", "other", "")
	other.hold(c, 1)
	shows(t, c, "leader", "1", cost)
	shows(t, b, "leader", "11", "")
	shows(t, a, "standby", "", "")
	// The lock catches up.
	e.hold(b, 11)
	shows(t, b, "leader", "11", cost)
}

func TestATokenThatNoTermHadStopsNothing(t *testing.T) {
	start(t)
	n := cluster.NewNamespace(t)
	e := newElected(t, n, "orders")
	a, b := cluster.NewPod(t, n, "a", "orders", ""), cluster.NewPod(t, n, "b", "orders", "")
	forged := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"leaseholder.dev/token":"9223372036854775807"}}}`))
	if err := cluster.Admin.Patch(t.Context(), b.DeepCopy(), forged); err != nil {
		t.Fatal(err)
	}
	e.hold(a, 5)
	shows(t, a, "leader", "5", cost)
	e.hold(b, 6)
	shows(t, b, "leader", "6", cost)
	shows(t, a, "standby", "6", "")
}

func TestALeaderThatComesLateIsShown(t *testing.T) {
	start(t)
	n := cluster.NewNamespace(t)
	e := newElected(t, n, "orders")
	a := cluster.NewPod(t, n, "a", "orders", "")
	e.hold(a, 1)
	shows(t, a, "leader", "1", cost)
	// Only where the chart's policy is missing can others do this.
	forged := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"leaseholder.dev/role":"standby"}}}`))
	if err := cluster.Client.Patch(t.Context(), a.DeepCopy(), forged); err != nil {
		t.Fatal(err)
	}
	shows(t, a, "leader", "1", cost)
	toldTimes(t, a.UID, n, roles.ReasonElected, 1)

	if err := cluster.Admin.Delete(t.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: n, Name: "orders"}}); err != nil {
		t.Fatal(err)
	}
	again := newElected(t, n, "orders")
	again.hold(a, 2)
	shows(t, a, "leader", "2", cost)
}

func TestAnotherReplicaTellsNothingTwice(t *testing.T) {
	stop := start(t)
	n := cluster.NewNamespace(t)
	e := newElected(t, n, "orders")
	a := cluster.NewPod(t, n, "a", "orders", "")
	e.hold(a, 1)
	shows(t, a, "leader", "1", cost)
	toldTimes(t, e.uid(), n, roles.ReasonElected, 1)
	stop()
	start(t)
	b := cluster.NewPod(t, n, "b", "orders", "")
	e.hold(b, 2)
	shows(t, b, "leader", "2", cost)
	toldTimes(t, a.UID, n, roles.ReasonElected, 1)
	toldTimes(t, b.UID, n, roles.ReasonElected, 1)
	toldTimes(t, e.uid(), n, roles.ReasonElected, 2)
}
