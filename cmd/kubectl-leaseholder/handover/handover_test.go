package handover

import (
	"strings"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

func heldBy(holder string) *coordinationv1.Lease {
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "orders",
			Labels:      map[string]string{view.LabelManagedBy: view.ManagedBy},
			Annotations: map[string]string{lease.StampAnnotation: holder},
		},
		Spec: coordinationv1.LeaseSpec{HolderIdentity: &holder},
	}
}

// Whoever asks means the leader that they saw.
func TestANextLeaderIsNotAsked(t *testing.T) {
	client := fake.NewClientset(heldBy("a_1_x"))
	patched := 0
	client.PrependReactor("patch", "leases", func(clienttesting.Action) (bool, runtime.Object, error) {
		patched++
		if err := client.Tracker().Update(coordinationv1.SchemeGroupVersion.WithResource("leases"), heldBy("b_2_x"), "shop"); err != nil {
			t.Error(err)
		}
		return true, nil, apierrors.NewConflict(schema.GroupResource{Resource: "leases"}, "orders", nil)
	})
	h := &handover{client: client, namespace: "shop", election: "orders"}
	_, err := h.ask(t.Context())
	if err == nil || !strings.Contains(err.Error(), `has moved from "a_1_x" to "b_2_x" meanwhile, and nobody was asked`) || patched != 1 {
		t.Errorf("%d were asked: %v", patched, err)
	}
}

func TestConflictsWithoutAnEndAreTold(t *testing.T) {
	client := fake.NewClientset(heldBy("a_1_x"))
	client.PrependReactor("patch", "leases", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewConflict(schema.GroupResource{Resource: "leases"}, "orders", nil)
	})
	h := &handover{client: client, namespace: "shop", election: "orders"}
	if _, err := h.ask(t.Context()); !apierrors.IsConflict(err) {
		t.Errorf("the error is %v", err)
	}
}
