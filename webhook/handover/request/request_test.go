package request

import (
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestPatch(t *testing.T) {
	holder := "orders-0_u-1_s"
	l := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{UID: "u-7", ResourceVersion: "42"},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &holder},
	}
	for pod, want := range map[string]string{
		"orders-1": `{"metadata":{"annotations":{"leaseholder.dev/preferred":"orders-1","leaseholder.dev/step-down":"orders-0_u-1_s"},"resourceVersion":"42","uid":"u-7"}}`,
		"":         `{"metadata":{"annotations":{"leaseholder.dev/preferred":null,"leaseholder.dev/step-down":"orders-0_u-1_s"},"resourceVersion":"42","uid":"u-7"}}`,
	} {
		got, err := Patch(l, pod)
		if err != nil || string(got) != want {
			t.Errorf("to %q: got %s, %v", pod, got, err)
		}
	}
}
