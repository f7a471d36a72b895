package handover

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/webhook/loop"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// refusing is a client to which every Lease has just changed, or gone.
type refusing struct {
	client.Client
	err error
}

func (r refusing) Patch(context.Context, client.Object, client.Patch, ...client.PatchOption) error {
	return r.err
}

// What loop does with ErrBehind, which is to try again less and less, is tested
// there.
func TestALeaseThatHasChangedMeansThatTheCacheIsBehind(t *testing.T) {
	leases := schema.GroupResource{Resource: "leases"}
	for _, refusal := range []error{apierrors.NewConflict(leases, "orders", nil), apierrors.NewNotFound(leases, "orders")} {
		asking := &term{Options: Options{Client: refusing{err: refusal}}}
		err := asking.ask(t.Context(), &coordinationv1.Lease{}, &order{to: &corev1.Pod{}})
		if !errors.Is(err, loop.ErrBehind) {
			t.Errorf("%v gives %v", refusal, err)
		}
	}
}

var orders = view.Election{Namespace: "shop", Name: "orders"}

// watched is a ready pod as the cache has it, changed by change.
func watched(change ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: orders.Namespace, Name: "b", UID: "b"},
		Spec: corev1.PodSpec{InitContainers: []corev1.Container{{
			Name: injector.ContainerName, Env: []corev1.EnvVar{{Name: config.Election.Variable(), Value: orders.Name}},
		}}},
		Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
	}
	for _, f := range change {
		f(pod)
	}
	return pod
}

func TestWhichEventsArePlannedFor(t *testing.T) {
	unready := func(p *corev1.Pod) { p.Status.Conditions = nil }
	prioritized := func(p *corev1.Pod) { p.Annotations = map[string]string{injector.AnnotationPriority: "1"} }
	labelled := func(p *corev1.Pod) { p.Labels = map[string]string{injector.LabelRole: injector.RoleLeader} }
	ending := func(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.Now()) }
	outside := func(p *corev1.Pod) { p.Spec.InitContainers = nil }
	system := func(p *corev1.Pod) { p.Namespace = "kube-system" }
	lease := func(change ...func(*coordinationv1.Lease)) *coordinationv1.Lease {
		l := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: orders.Namespace, Name: orders.Name}}
		l.Spec.HolderIdentity = new("a_a_1")
		for _, f := range change {
			f(l)
		}
		return l
	}
	renewed := func(l *coordinationv1.Lease) { l.Spec.RenewTime = new(metav1.NowMicro()) }
	taken := func(l *coordinationv1.Lease) { l.Spec.HolderIdentity = new("b_b_1") }
	annotated := func(l *coordinationv1.Lease) { l.Annotations = map[string]string{"a": "b"} }
	foreign := func(l *coordinationv1.Lease) { l.Namespace = "leaseholder-system" }
	for name, test := range map[string]struct {
		before, after client.Object
		planned       bool
		interrupted   bool
	}{
		"a new pod":                        {nil, watched(), true, false},
		"a pod that is not ready any more": {watched(), watched(unready), true, true},
		"a pod that has become ready":      {watched(unready), watched(), true, false},
		"a pod of another priority":        {watched(), watched(prioritized), true, false},
		"a pod that ends":                  {watched(), watched(ending), true, true},
		"a pod that is gone":               {watched(), nil, true, true},
		"a pod of another role":            {watched(), watched(labelled), false, false},
		"a pod without an election":        {nil, watched(outside), false, false},
		"a pod of the system":              {nil, watched(system), false, false},
		"a new lease":                      {nil, lease(), true, false},
		"a renewed lease":                  {lease(), lease(renewed), false, false},
		"a lease of another holder":        {lease(), lease(taken), true, false},
		"a lease with another annotation":  {lease(), lease(annotated), true, false},
		"a lease that is gone":             {lease(), nil, true, false},
		"a lease of the webhook's own":     {nil, lease(foreign), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			m.better["b"] = time.Now()
			known := &term{Options: Options{Namespace: "leaseholder-system"}, memories: map[view.Election]*memory{orders: m}}
			got := append(known.podKeys(test.before, test.after), known.leaseKeys(test.before, test.after)...)
			var want []view.Election
			if test.planned {
				want = []view.Election{orders}
			}
			if !slices.Equal(got, want) {
				t.Errorf("planned are %v", got)
			}
			if _, ready := m.better["b"]; ready == test.interrupted {
				t.Errorf("it has been ready all the time: %v", ready)
			}
		})
	}
}

func TestWhatIsRemembered(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	known := &term{Options: Options{Now: func() time.Time { return now }}, memories: map[view.Election]*memory{}}
	holder := lock.Identity{Pod: "a", UID: "a", Start: "1"}.String()
	record := lock.Record{Holder: holder, Stamp: holder, Duration: 15 * time.Second}
	named := func(name, priority string) corev1.Pod {
		pod := *watched()
		pod.Name, pod.UID = name, "uid-"+pod.UID
		pod.Annotations = map[string]string{injector.AnnotationPriority: priority}
		return pod
	}
	a, b := named("a", "0"), named("b", "1")
	a.UID = "a"
	plan := func(pods ...corev1.Pod) *order {
		o, _ := known.plan(orders, record, pods)
		return o
	}

	plan(a, a)
	if known.known(orders) {
		t.Error("an election of equal priorities is remembered")
	}
	plan(a, b)
	if !known.known(orders) {
		t.Error("an election of different priorities is not remembered")
	}
	plan(a, a)
	if known.known(orders) {
		t.Error("an election that has equal priorities again is remembered, though nothing has happened")
	}

	plan(a, b)
	now = now.Add(minWindow)
	o := plan(a, b)
	if o == nil {
		t.Fatal("nobody was asked")
	}
	known.gave(orders, o, record)
	now = now.Add(minWindow)
	plan(a)
	if !known.known(orders) {
		t.Error("the failure was forgotten with the pod")
	}
	now = now.Add(2 * maxWindow)
	plan(a)
	if known.known(orders) {
		t.Error("the failure is never forgotten")
	}

	plan(a, b)
	known.forget(orders)
	if known.known(orders) {
		t.Error("an election that is gone is remembered")
	}
}
