package attacks

import (
	"fmt"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/retry"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// most is how many labels, and how many annotations, a pod of an election may have.
const most = 1000

// tooMany labels cost more to walk through than one expression of a policy may.
const tooMany = 50_000

// many are that many entries, as short as they can be: what a policy may cost is
// counted by the entry.
func many(n int, with ...string) map[string]string {
	entries := map[string]string{}
	for i := range n {
		entries[strconv.FormatInt(int64(i), 36)] = ""
	}
	for i := 0; i+1 < len(with); i += 2 {
		entries[with[i]] = with[i+1]
	}
	return entries
}

// TestLabelsForgedAmongVeryMany: a policy that costs more than the API server allows is
// left out, if it fails open.
func TestLabelsForgedAmongVeryMany(t *testing.T) {
	n := cluster.NewNamespace(t)
	mallory := user(t, n, mayPatchPods)
	const forged = `{"metadata":{"labels":{"leaseholder.dev/election":"orders","leaseholder.dev/role":"leader"}}}`
	for what, pod := range map[string]*corev1.Pod{
		"a plain pod": made(t, func() *corev1.Pod {
			p := webhooktest.Pod(n, "plain")
			p.Labels = many(tooMany)
			return p
		}()),
		"a standby": cluster.NewPod(t, n, "standby", "orders", "", func(p *corev1.Pod) {
			p.Labels = many(tooMany, injector.LabelElection, "orders", injector.LabelRole, injector.RoleStandby)
		}),
	} {
		if err := policed(mallory.Patch(t.Context(), pod.DeepCopy(), merge(forged)), "the labels "+injector.LabelElection); err != nil {
			t.Errorf("%s with very many labels: %v", what, err)
		}
		if err := mallory.Patch(t.Context(), pod.DeepCopy(), merge(`{"metadata":{"finalizers":["x.example.com/x"]}}`)); err != nil {
			t.Errorf("%s that has them from before can't be changed: %v", what, err)
		}
	}
}

// TestSoManyLabelsThatTheRoleCantBeChanged: a policy that costs more than the API server
// allows refuses, if it fails closed.
func TestSoManyLabelsThatTheRoleCantBeChanged(t *testing.T) {
	serve(t)
	n := cluster.NewNamespace(t)
	mallory := user(t, n, mayMakePods, mayPatchPods)
	for what, entries := range map[string]struct{ labels, annotations int }{
		"labels":      {5 * most, 0},
		"annotations": {0, 5 * most},
	} {
		pod := annotated(n, "made-with-many-"+what, "orders", func(p *corev1.Pod) {
			p.Labels = many(entries.labels)
			p.Annotations = many(entries.annotations, injector.AnnotationInject, "true", injector.AnnotationElection, "orders")
		})
		if err := refused(mallory.Create(t.Context(), pod), "leaseholder", fmt.Sprintf("metadata.%s=%q: allowed: at most 1000", what, "5000 "+what)); err != nil {
			t.Errorf("a pod that is made with very many %s: %v", what, err)
		}
	}
	old, next := made(t, annotated(n, "old", "orders")), made(t, annotated(n, "next", "orders"))
	granted(t, n, "orders", "default")
	lead(t, n, old, 1)
	shown(t, old, injector.RoleLeader)
	// The controller of roles writes to the same pod.
	update := func(change func(p *corev1.Pod, n int), n int) error {
		return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
			pod := current(t, old)
			change(pod, n)
			return mallory.Update(t.Context(), pod)
		})
	}
	for what, change := range map[string]func(p *corev1.Pod, n int){
		"labels": func(p *corev1.Pod, n int) {
			p.Labels = many(n-2, injector.LabelElection, "orders", injector.LabelRole, injector.RoleLeader)
		},
		"annotations": func(p *corev1.Pod, n int) { p.Annotations = many(n) },
	} {
		for _, n := range []int{most + 1, 20 * most} {
			if err := policed(update(change, n), "that many "+what, "at most 1000"); err != nil {
				t.Errorf("%d %s: %v", n, what, err)
			}
		}
		if err := update(change, most); err != nil {
			t.Errorf("%d %s: %v", most, what, err)
		}
	}
	lead(t, n, next, 2)
	shown(t, old, injector.RoleStandby)
	shown(t, next, injector.RoleLeader)
}
