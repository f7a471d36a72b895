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
	var out strings.Builder
	err := table(&out, []coordinationv1.Lease{
		held("deployment-orders", "orders-0_0f3c_x", time.Hour, time.Second),
		held("deployment-stale", "stale-0_0f3c_x", time.Hour, time.Minute),
		held("deployment-ahead", "another", -time.Second, -time.Second),
		{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "deployment-new"}},
	}, []corev1.Pod{
		pod("deployment-orders", false),
		pod("deployment-orders", false),
		pod("deployment-orders", true),
		ended(corev1.PodSucceeded),
		ended(corev1.PodFailed),
	}, now)
	if err != nil {
		t.Fatal(err)
	}
	want := `
NAMESPACE   ELECTION            LEADER     CANDIDATES   TOKEN   LEADING FOR   RENEWED
shop        deployment-orders   orders-0   2            7       60m           1s ago
shop        deployment-stale    stale-0    0            7       60m           60s ago (expired)
shop        deployment-ahead    another    0            7       0s            0s ago
shop        deployment-new      <none>     0            0       -             -
`
	if got := "\n" + out.String(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
