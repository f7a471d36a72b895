package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	leaselock "github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// narrow leaves the webhook's account the rights of the chart's mode none until the
// test ends.
func narrow(t *testing.T) {
	t.Helper()
	without := func(values webhooktest.Values) { values["rights"] = webhooktest.Values{"mode": none} }
	for _, role := range []struct {
		narrowed, whole client.Object
	}{
		{webhooktest.Chart(t, "clusterrole.yaml", &rbacv1.ClusterRole{}, without), webhooktest.Chart(t, "clusterrole.yaml", &rbacv1.ClusterRole{})},
		{webhooktest.Chart(t, "role.yaml", &rbacv1.Role{}, without), webhooktest.Chart(t, "role.yaml", &rbacv1.Role{})},
	} {
		if err := cluster.Admin.Update(t.Context(), role.narrowed); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := cluster.Admin.Update(context.WithoutCancel(t.Context()), role.whole); err != nil {
				t.Error(err)
			}
		})
	}
	webhooktest.Eventually(t, "its account has lost the right to grant", func(ctx context.Context) error {
		err := cluster.Client.Create(ctx, rights.Role(view.Election{Namespace: "default", Name: "none"}, config.Default().Lock), client.DryRunAll)
		if !apierrors.IsForbidden(err) {
			return fmt.Errorf("got %w", err)
		}
		return nil
	})
}

func TestAnAdministratorMakesTheRights(t *testing.T) {
	own := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: webhooktest.Namespace, Name: "leaseholder-webhook"}}
	if err := client.IgnoreNotFound(cluster.Admin.Delete(t.Context(), own)); err != nil {
		t.Fatal(err)
	}
	narrow(t)
	replica := newReplica(t, "narrowed", func(o *options) { o.rightsManaged = false })
	install(t, newBalancer(t, replica))
	webhooktest.Eventually(t, "it is ready", replica.probe)
	webhooktest.Eventually(t, "it leads with a Lease that it made", func(ctx context.Context) error {
		name, err := leader(ctx)
		if err == nil && name != "narrowed" {
			err = fmt.Errorf("%s leads", name)
		}
		return err
	})
	n := cluster.NewNamespace(t)

	if err := cluster.Admin.Create(t.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: n, Name: "theirs"}}); err != nil {
		t.Fatal(err)
	}
	webhooktest.Eventually(t, "a Lease without the label is refused", func(ctx context.Context) error {
		err := cluster.Admin.Create(ctx, annotated(n, "theirs", "theirs"), client.DryRunAll)
		if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "without the label app.kubernetes.io/managed-by=leaseholder") {
			return fmt.Errorf("got %w", err)
		}
		return nil
	})

	// Nobody has made the Lease yet: its sidecars ask until somebody has.
	early := annotated(n, "early", "early")
	if err := cluster.Admin.Create(t.Context(), early); err != nil {
		t.Fatal(err)
	}
	if early.Labels[injector.LabelElection] != "early" {
		t.Errorf("the pod has the labels %v", early.Labels)
	}

	e := view.Election{Namespace: n, Name: "orders"}
	pod := annotated(n, "orders", e.Name)
	for _, o := range []client.Object{rights.Lease(e, config.Default().Lock, nil), rights.Role(e, config.Default().Lock), rights.RoleBinding(e, []string{"default"}), pod} {
		if err := cluster.Admin.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	elect(t, e, pod)
	webhooktest.Eventually(t, "the leader's label", func(ctx context.Context) error {
		if err := cluster.Admin.Get(ctx, client.ObjectKeyFromObject(pod), pod); err != nil {
			return err
		}
		if pod.Labels[injector.LabelRole] != injector.RoleLeader {
			return errors.New("it is not labelled")
		}
		return nil
	})
	// The pod without rights came before the label that was seen.
	var made rbacv1.RoleList
	var leases coordinationv1.LeaseList
	if err := errors.Join(cluster.Admin.List(t.Context(), &made, client.InNamespace(n)), cluster.Admin.List(t.Context(), &leases, client.InNamespace(n))); err != nil {
		t.Fatal(err)
	}
	if len(made.Items) != 1 || len(leases.Items) != 2 {
		t.Errorf("it made something: %d roles, %d leases", len(made.Items), len(leases.Items))
	}
}

// elect writes the Lease as a pod's sidecar does that is elected.
func elect(t *testing.T, e view.Election, pod *corev1.Pod) {
	t.Helper()
	l, err := leaselock.New(cluster.Config, e.Namespace, e.Name)
	if err != nil {
		t.Fatal(err)
	}
	base, err := l.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	holder := lock.Identity{Pod: pod.Name, UID: string(pod.UID), Start: "s"}.String()
	record := lock.Record{Holder: holder, Stamp: holder, Duration: 15 * time.Second, Renewed: time.Now(), Acquired: time.Now(), Token: 7}
	if _, err := l.Write(t.Context(), base, record); err != nil {
		t.Fatal(err)
	}
}
