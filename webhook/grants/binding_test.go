package grants_test

import (
	"context"
	"errors"
	"testing"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/webhook/grants"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// TestAStrangersBindingCostsNoWorkAgainAndAgain: what is refused because of it is not made
// and removed in turn, as fast as the API server can.
func TestAStrangersBindingCostsNoWorkAgainAndAgain(t *testing.T) {
	n := cluster.NewNamespace(t)
	theirs := binding(n, "orders")
	theirs.RoleRef = rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "another"}
	if err := cluster.Admin.Create(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	pod := cluster.NewPod(t, n, "a", "orders", "")
	start(t, time.Hour)
	webhooktest.Eventually(t, "the refusal", func(ctx context.Context) error {
		var events eventsv1.EventList
		if err := cluster.Admin.List(ctx, &events, client.InNamespace(n)); err != nil {
			return err
		}
		for _, e := range events.Items {
			if e.Reason == grants.ReasonRefused && e.Regarding.UID == pod.UID {
				return nil
			}
		}
		return errors.New("not told")
	})
	made := role(n, "orders")
	webhooktest.Eventually(t, "the role", func(ctx context.Context) error { return get(ctx, made) })
	// What comes later is granted, so that what the refusal brought about was seen.
	for _, election := range []string{"second", "third"} {
		cluster.NewPod(t, n, election, election, "")
		webhooktest.Eventually(t, "the rights", func(ctx context.Context) error { return granted(ctx, n, election, "default") })
	}
	again := role(n, "orders")
	if err := get(t.Context(), again); err != nil || again.UID != made.UID {
		t.Errorf("the role was made anew: %s, then %s, %v", made.UID, again.UID, err)
	}
	if err := get(t.Context(), theirs); err != nil || theirs.RoleRef.Name != "another" || len(theirs.Labels) > 0 {
		t.Errorf("their binding is %+v: %v", theirs, err)
	}
}
