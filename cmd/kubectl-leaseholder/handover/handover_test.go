package handover

import (
	"strings"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
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

// Clusters can have pods of the same name, and a request has no more than that.
func TestAPodOfTheSameNameIsAnother(t *testing.T) {
	for what, test := range map[string]struct {
		h    handover
		next string
		want string
	}{
		"the pod here":                       {handover{to: "b", toUID: "2"}, "b_2_x", ""},
		"one of its name":                    {handover{to: "b", toUID: "2"}, "b_9_x", "another pod of that name"},
		"another pod":                        {handover{to: "b", toUID: "2"}, "c_3_x", `pod "b" did not take the lead`},
		"elsewhere":                          {handover{to: "b", elsewhere: true}, "b_9_x", ""},
		"elsewhere, beside one here":         {handover{to: "b", toUID: "2", elsewhere: true}, "b_9_x", ""},
		"the one here instead of the other":  {handover{to: "b", toUID: "2", elsewhere: true}, "b_2_x", "of this cluster took the lead"},
		"elsewhere, and what is not ours":    {handover{to: "b", elsewhere: true}, "b", `pod "b" did not take the lead`},
		"any other":                          {handover{}, "b_2_x", ""},
		"any other, and the same comes back": {handover{}, "a_1_y", "no other candidate"},
	} {
		t.Run(what, func(t *testing.T) {
			err := test.h.verdict(lock.Record{Holder: "a_1_x"}, lock.Record{Holder: test.next})
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// The pod that is meant is told by its UID, which only a look at it gives.
func TestThePodThatIsMeantIsKnown(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "b", UID: "2", Labels: map[string]string{injector.LabelElection: "orders"}}}
	pod.Spec.InitContainers = []corev1.Container{{
		Name: injector.ContainerName, Env: []corev1.EnvVar{{Name: config.Election.Variable(), Value: "orders"}},
	}}
	for _, h := range []*handover{{to: "b"}, {to: "b", elsewhere: true}, {to: "z", elsewhere: true}} {
		h.client, h.namespace, h.election = fake.NewClientset(pod), "shop", "orders"
		want := map[string]string{"b": "2"}[h.to]
		if err := h.eligible(t.Context(), "a_1_x"); err != nil || h.toUID != want {
			t.Errorf("to %q, elsewhere %t: the UID is %q, %v", h.to, h.elsewhere, h.toUID, err)
		}
	}
}
