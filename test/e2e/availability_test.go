package e2e

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"

	"github.com/leaseholder-dev/leaseholder/test/product"
)

// whileCreating creates annotated pods and plain ones as dry runs, one after the
// other, while act acts. None may be refused, no annotated one may come without its
// sidecar, and no plain one with anything that it would not have without a webhook.
func whileCreating(s *space, act func()) {
	s.Helper()
	plain, err := dryRun(s, bare("plain"))
	s.must(err)
	running, stop := context.WithCancel(s.ctx)
	var streams sync.WaitGroup
	stream := func(what string, made func(name string) *corev1.Pod, fault func(p *corev1.Pod) string) {
		streams.Go(func() {
			n := 0
			for ; running.Err() == nil; n++ {
				p, err := dryRun(s, made(fmt.Sprintf("%s-%d", what, n)))
				if err != nil {
					s.Errorf("%s pod %d was refused: %v", what, n, err)
					break
				}
				if f := fault(p); f != "" {
					s.Errorf("%s pod %d %s", what, n, f)
					break
				}
			}
			s.Logf("%d %s pods were created meanwhile", n, what)
		})
	}
	stream("annotated", annotatedPod, func(p *corev1.Pod) string {
		if len(p.Spec.InitContainers) != 1 {
			return "has no sidecar"
		}
		return ""
	})
	stream("plain", bare, func(p *corev1.Pod) string {
		if !equality.Semantic.DeepEqual(p.Spec, plain.Spec) || len(p.Labels)+len(p.Annotations) > 0 {
			return fmt.Sprintf("was changed: %+v", p)
		}
		return ""
	})
	func() {
		defer func() {
			stop()
			streams.Wait()
		}()
		act()
	}()
}

// bare is a plain pod to which no token is added, whose volume has another name in
// each pod.
func bare(name string) *corev1.Pod {
	p := plainPod(name)
	p.Spec.AutomountServiceAccountToken = new(false)
	return p
}

// replaced waits until two replicas are ready, none of which is one of before.
func replaced(s *space, before []corev1.Pod) {
	s.Helper()
	s.eventually("two ready replicas in the place of the old ones", func() error {
		pods := webhookPods(s)
		for i := range pods {
			for j := range before {
				if pods[i].UID == before[j].UID {
					return fmt.Errorf("replica %s is still there", pods[i].Name)
				}
			}
			if !ready(&pods[i]) {
				return fmt.Errorf("replica %s is not ready", pods[i].Name)
			}
		}
		if len(pods) != 2 {
			return fmt.Errorf("there are %d replicas", len(pods))
		}
		return nil
	})
}

func TestKillingEitherReplicaRefusesNoPod(t *testing.T) {
	s := newSpace(t)
	for what, options := range map[string]metav1.DeleteOptions{
		"in good order": {},
		"at once":       {GracePeriodSeconds: new(int64)},
	} {
		t.Log("one replica is deleted " + what)
		whileCreating(s, func() {
			killed := webhookPods(s)[:1]
			s.must(client.CoreV1().Pods(product.Namespace).Delete(s.ctx, killed[0].Name, options))
			replaced(s, killed)
			// Deleted at once, the pod is gone before its process is.
			s.eventually("the end of the replica's process", func() error {
				if _, err := s.ask("http://" + killed[0].Status.PodIP + ":8081/healthz"); err == nil {
					return errors.New("it still answers")
				}
				return nil
			})
		})
	}
}

func TestUpgradingTheChartRefusesNoPod(t *testing.T) {
	restored(t)
	s := newSpace(t)
	wait := []string{"--namespace", product.Namespace, "--wait", "--timeout", patience.String()}
	whileCreating(s, func() {
		before := webhookPods(s)
		upgrade := append([]string{"upgrade", product.Release, "charts/leaseholder", "--set", "logLevel=debug"}, wait...)
		_, err := prod.Helm(s.ctx, upgrade...)
		s.must(err)
		replaced(s, before)
		before = webhookPods(s)
		_, err = prod.Helm(s.ctx, append([]string{"rollback", product.Release}, wait...)...)
		s.must(err)
		replaced(s, before)
	})
}

// TestDrainingTheNodesOfBothReplicasRefusesNoPod drains two nodes at the same time,
// as a hasty upgrade of a cluster does: the budget lets one replica go after the other.
func TestDrainingTheNodesOfBothReplicasRefusesNoPod(t *testing.T) {
	s := newSpace(t)
	whileCreating(s, func() {
		before := webhookPods(s)
		nodes := map[string]bool{}
		for i := range before {
			nodes[before[i].Spec.NodeName] = true
		}
		for node := range nodes {
			schedulable(s.ctx, s, node, false)
		}
		t.Cleanup(func() {
			for node := range nodes {
				schedulable(context.WithoutCancel(s.ctx), s, node, true)
			}
		})
		held := 0
		for node := range nodes {
			held += evictAll(s, node)
		}
		if held == 0 {
			t.Error("the budget let both replicas go at once")
		}
		s.eventually("the drained nodes to be empty", func() error {
			for node := range nodes {
				evictAll(s, node)
				if left := podsOn(s, node); len(left) > 0 {
					return fmt.Errorf("%d pods are left on %s", len(left), node)
				}
			}
			return nil
		})
		replaced(s, before)
		t.Logf("the budget held %d evictions", held)

		// Both are on the one node that was left. One of them goes back.
		for node := range nodes {
			schedulable(s.ctx, s, node, true)
		}
		moved := webhookPods(s)[:1]
		s.must(client.CoreV1().Pods(product.Namespace).Delete(s.ctx, moved[0].Name, metav1.DeleteOptions{}))
		replaced(s, moved)
	})
}

func schedulable(ctx context.Context, s *space, node string, is bool) {
	s.Helper()
	patch := fmt.Appendf(nil, `{"spec":{"unschedulable":%t}}`, !is)
	_, err := client.CoreV1().Nodes().Patch(ctx, node, types.MergePatchType, patch, metav1.PatchOptions{})
	s.must(err)
}

func podsOn(s *space, node string) []corev1.Pod {
	s.Helper()
	list, err := client.CoreV1().Pods(metav1.NamespaceAll).List(s.ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("spec.nodeName", node).String(),
	})
	s.must(err)
	return list.Items
}

// evictAll asks once for the eviction of each pod on a node, and says how many a
// budget has held.
func evictAll(s *space, node string) (held int) {
	s.Helper()
	for _, p := range podsOn(s, node) {
		if p.DeletionTimestamp != nil {
			continue
		}
		err := client.CoreV1().Pods(p.Namespace).EvictV1(s.ctx, &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name}})
		switch {
		case apierrors.IsTooManyRequests(err):
			held++
		case err != nil && !apierrors.IsNotFound(err):
			s.must(errors.New(p.Name + ": " + err.Error()))
		}
	}
	return held
}
