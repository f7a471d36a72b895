package e2e

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/test/cluster"
	"github.com/leaseholder-dev/leaseholder/test/product"
)

// ahead is by how much a record's time can be ahead of its write: each record
// bears a later second than the one before.
const ahead = time.Second

// This file's name puts the test last: after it, a node needs most of a minute to be
// used again, for which the next test would have to wait.
func TestKillingTheLeadersNodeHandsOverWhenTheLeaseEnds(t *testing.T) {
	s := newSpace(t)
	h, first := deployed(s)
	leader := s.identity(first)
	node := nodeOf(s, leader.Pod)

	from := h.Len()
	s.must(node.Kill(s.ctx))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s.must(node.Start(ctx))
	})
	next := s.await(h, from, product.HeldByOther(first.Holder))
	last := first
	for _, e := range h.Since(from) {
		if e.Holder == "" {
			t.Error("a dead node's lock was released")
		}
		if e.Holder == first.Holder {
			last = e
		}
	}
	// The new leader may not have begun before the old one's lease had ended. Both
	// wrote down the time by the wall clock of the one machine that all nodes are on.
	if waited := next.Acquired.Sub(last.Renewed); waited < last.Duration-ahead {
		t.Errorf("the lock was taken %s after its last renewal, before its %s had passed", waited, last.Duration)
	}
	if next.Token <= first.Token {
		t.Errorf("token %d follows %d", next.Token, first.Token)
	}
	now := s.identity(next)
	s.eventually("the new leader's own word", func() error {
		d, err := s.leaderDocument(s.pod(now.Pod))
		if err == nil && !d.IsLeader {
			err = errors.New("it says that it does not lead")
		}
		return err
	})
}

func nodeOf(s *space, pod string) *cluster.Node {
	s.Helper()
	name := s.pod(pod).Spec.NodeName
	for _, n := range prod.Cluster.Nodes() {
		if n.Name() == name {
			return n
		}
	}
	s.Fatalf("pod %s is on the node %q, which is none of the cluster's", pod, name)
	return nil
}

func ready(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
