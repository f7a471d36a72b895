package e2e

import (
	"fmt"
	"strconv"
	"syscall"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/test/product"
)

const orders = "deployment-orders"

// deployed applies the example and waits until it is available and led.
func deployed(s *space) (*product.History, product.Entry) {
	s.Helper()
	h := s.history(orders)
	s.apply("examples/deployment")
	s.rolledOut("deployment/orders")
	return h, s.now(h)
}

func TestDeploymentHasOneLeader(t *testing.T) {
	s := newSpace(t)
	_, first := deployed(s)
	leader := s.identity(first)

	s.labelled("orders", leader.Pod)
	s.answeredBy("orders-leader", leader.Pod)
	s.eventually("the pods' own word", func() error {
		leaders := 0
		for _, p := range s.pods("orders") {
			d, err := s.leaderDocument(&p)
			if err != nil {
				return err
			}
			if d.Name != leader.Pod || d.FencingToken != strconv.FormatInt(first.Token, 10) {
				return fmt.Errorf("pod %s says %+v", p.Name, d)
			}
			if d.IsLeader {
				leaders++
			}
			if d.IsLeader != (p.Name == leader.Pod) {
				return fmt.Errorf("pod %s says isLeader %v", p.Name, d.IsLeader)
			}
		}
		if leaders != 1 {
			return fmt.Errorf("%d leaders", leaders)
		}
		return nil
	})
	for _, p := range s.pods("orders") {
		cost, marked := p.Annotations["controller.kubernetes.io/pod-deletion-cost"]
		if marked != (p.Name == leader.Pod) {
			t.Errorf("pod %s has the deletion cost %q", p.Name, cost)
		}
	}
	s.eventually("an Event on the leader's pod", func() error {
		events, err := client.EventsV1().Events(s.name).List(s.ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, e := range events.Items {
			if e.Regarding.Kind == "Pod" && e.Regarding.Name == leader.Pod && e.Reason == "LeaderElected" {
				return nil
			}
		}
		return fmt.Errorf("none of %d", len(events.Items))
	})
	out, err := prod.Plugin(s.ctx, "-n", s.name, "status")
	s.must(err)
	t.Log("\n" + out)
}

func TestDeletingTheLeadersPodHandsOver(t *testing.T) {
	s := newSpace(t)
	h, first := deployed(s)
	leader := s.identity(first)
	s.labelled("orders", leader.Pod)

	from := h.Len()
	s.must(client.CoreV1().Pods(s.name).Delete(s.ctx, leader.Pod, metav1.DeleteOptions{}))
	next := s.await(h, from, product.HeldByOther(first.Holder))
	released := false
	for _, e := range h.Since(from) {
		if e.Holder == next.Holder {
			break
		}
		released = released || e.Released()
	}
	if !released {
		t.Error("the lock was not released before it was taken")
	}
	if next.Token <= first.Token {
		t.Errorf("token %d follows %d", next.Token, first.Token)
	}
	now := s.identity(next)
	if now.Pod == leader.Pod {
		t.Errorf("pod %s, which was deleted, leads", now.Pod)
	}
	s.labelled("orders", now.Pod)
	s.answeredBy("orders-leader", now.Pod)
}

func TestKillingTheLeadersSidecarKeepsThePod(t *testing.T) {
	s := newSpace(t)
	h, first := deployed(s)
	leader := s.identity(first)

	from := h.Len()
	s.must(prod.Cluster.KillContainer(s.ctx, s.name, leader.Pod, "leaseholder", syscall.SIGKILL))
	next := s.await(h, from, product.HeldByOther(first.Holder))
	if now := s.identity(next); now.UID != leader.UID || now.Start == leader.Start {
		t.Errorf("%s follows %s, want another start in the same pod", now, leader)
	}
	if next.Token <= first.Token {
		t.Errorf("token %d follows %d", next.Token, first.Token)
	}
	for _, e := range h.Since(from) {
		if e.Holder == "" {
			t.Error("the lock was free in between")
		}
	}
	s.rolledOut("deployment/orders")
	s.labelled("orders", leader.Pod)
}
