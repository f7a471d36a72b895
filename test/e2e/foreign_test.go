package e2e

import (
	"strings"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestAnotherComponentsLeaseIsRefused(t *testing.T) {
	s := newSpace(t)
	_, err := client.CoordinationV1().Leases(s.name).Create(s.ctx,
		&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "orders"}}, metav1.CreateOptions{})
	s.must(err)
	_, err = dryRun(s, annotatedPod("thief"))
	if err == nil || !strings.Contains(err.Error(), `did not make the Lease "orders"`) {
		t.Errorf("the answer is %v", err)
	}
}

func TestACopyOfAnInjectedPodIsRefused(t *testing.T) {
	s := newSpace(t)
	deployed(s)
	original := s.pods("orders")[0]
	// As kubectl debug --copy-to makes it: without labels, annotations and owners.
	bare := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "copy"}, Spec: original.Spec}
	bare.Spec.NodeName = ""
	if _, err := dryRun(s, bare); err == nil || !strings.Contains(err.Error(), "leaseholder") {
		t.Errorf("the answer is %v", err)
	}
}
