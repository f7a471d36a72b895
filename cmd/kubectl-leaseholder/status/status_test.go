package status

import (
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
)

func TestTable(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	held := func(name, holder string, acquired, renewed time.Duration) coordinationv1.Lease {
		seconds := int32(15)
		a, r := metav1.NewMicroTime(now.Add(-acquired)), metav1.NewMicroTime(now.Add(-renewed))
		return coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Annotations: map[string]string{lease.TokenAnnotation: "7"}},
			Spec: coordinationv1.LeaseSpec{
				HolderIdentity: &holder, LeaseDurationSeconds: &seconds, AcquireTime: &a, RenewTime: &r,
			},
		}
	}
	pod := func(election string, deleted bool) corev1.Pod {
		p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Labels: map[string]string{injector.LabelElection: election}}}
		if deleted {
			p.DeletionTimestamp = &metav1.Time{Time: now}
		}
		return p
	}
	ended := func(phase corev1.PodPhase) corev1.Pod {
		p := pod("deployment-orders", false)
		p.Status.Phase = phase
		return p
	}
	reported := func(l coordinationv1.Lease, address string) coordinationv1.Lease {
		l.Annotations[lease.LockAnnotation], l.Annotations[lease.StampAnnotation] = address, *l.Spec.HolderIdentity
		return l
	}
	here := pod("deployment-store", false)
	here.UID = "0f3c"
	var out strings.Builder
	err := table(&out, []coordinationv1.Lease{
		held("deployment-orders", "orders-0_0f3c_x", time.Hour, time.Second),
		held("deployment-stale", "stale-0_0f3c_x", time.Hour, time.Minute),
		held("deployment-ahead", "another", -time.Second, -time.Second),
		{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "deployment-new"}},
		reported(held("deployment-old", "old-0_0f3c_x", time.Hour, time.Second), "endpoints"),
		reported(held("deployment-store", "store-0_0f3c_x", time.Hour, time.Second), "gs://shop-locks/store"),
		reported(held("deployment-far", "far-0_0f3c_x", time.Hour, time.Hour), "gs://shop-locks/far"),
	}, []corev1.Pod{
		pod("deployment-orders", false),
		pod("deployment-orders", false),
		pod("deployment-orders", true),
		ended(corev1.PodSucceeded),
		ended(corev1.PodFailed),
		here,
	}, now)
	if err != nil {
		t.Fatal(err)
	}
	want := `
NAMESPACE   ELECTION            LEADER             CANDIDATES   TOKEN   LEADING FOR   RENEWED             LOCK
shop        deployment-orders   orders-0           2            7       60m           1s ago              lease
shop        deployment-stale    stale-0            0            7       60m           60s ago (expired)   lease
shop        deployment-ahead    another            0            7       0s            0s ago              lease
shop        deployment-new      <none>             0            0       -             -                   lease
shop        deployment-old      old-0              0            7       60m           1s ago              endpoints
shop        deployment-store    store-0            1            7       60m           1s ago              gs://shop-locks/store
shop        deployment-far      far-0 (not here)   0            7       60m           -                   gs://shop-locks/far
`
	if got := "\n" + out.String(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
