package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	candidates "github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	leaselock "github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// accountOf is the configuration of a service account that is made for it.
func accountOf(t *testing.T, namespace, name string) *rest.Config {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if err := cluster.Admin.Create(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	token := &authenticationv1.TokenRequest{}
	if err := cluster.Admin.SubResource("token").Create(t.Context(), account, token); err != nil {
		t.Fatal(err)
	}
	limited := rest.AnonymousClientConfig(cluster.Config)
	limited.BearerToken = token.Status.Token
	return limited
}

// candidateOf stands in an election as a sidecar of that account would, until the
// test ends.
func candidateOf(t *testing.T, account *rest.Config, namespace, name string) *candidates.Candidate {
	t.Helper()
	l, err := leaselock.New(account, namespace, name)
	if err != nil {
		t.Fatal(err)
	}
	c := candidates.New(l, candidates.Options{
		Identity: lock.Identity{Pod: "orders-0", UID: "u", Start: "s"},
		// As long as a busy machine needs, and no longer: the first term waits for it.
		Timing: config.Timing{LeaseDuration: 10 * time.Second, RenewDeadline: 8 * time.Second, RetryPeriod: time.Second},
	})
	webhooktest.Background(t, "candidate", func(ctx context.Context) error {
		c.Run(ctx)
		return nil
	})
	return c
}

func TestWhatRBACPrintsIsEnoughToLead(t *testing.T) {
	user, err := cluster.Environment.AddUser(envtest.User{Name: "admin", Groups: []string{"system:masters"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	kubectl, err := user.Kubectl()
	if err != nil {
		t.Fatal(err)
	}
	n := cluster.NewNamespace(t)
	var printed, told strings.Builder
	c := command(genericiooptions.IOStreams{In: strings.NewReader(`apiVersion: apps/v1
kind: Deployment
metadata: {name: orders}
spec: {template: {metadata: {annotations: {leaseholder.dev/inject: "true"}}, spec: {serviceAccountName: one, containers: [{name: app, image: app:1}]}}}
`), Out: &printed, ErrOut: &told})
	c.SetArgs([]string{"rbac", "-n", n, "-f", "-"})
	if err := c.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%v: %s", err, &told)
	}
	file := filepath.Join(t.TempDir(), "rights.yaml")
	if err := os.WriteFile(file, []byte(printed.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	apply := func(args ...string) string {
		t.Helper()
		out, faults, err := kubectl.Run(append([]string{"apply", "-f", file}, args...)...)
		if err != nil {
			text, _ := io.ReadAll(faults)
			t.Fatalf("%v: %s", err, text)
		}
		text, err := io.ReadAll(out)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	apply()

	const lease = "deployment-orders"
	candidate := candidateOf(t, accountOf(t, n, "one"), n, lease)
	leads := func(context.Context) error {
		if status, _ := candidate.Status(); !status.IsLeader {
			return errors.New("it does not lead")
		}
		return nil
	}
	webhooktest.Eventually(t, "the account's sidecar leads", leads)
	other, err := leaselock.New(accountOf(t, n, "two"), n, lease)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Read(t.Context()); !errors.Is(err, lock.ErrForbidden) {
		t.Errorf("another account reads the lease: %v", err)
	}

	key := client.ObjectKey{Namespace: n, Name: lease}
	var before, after coordinationv1.Lease
	if err := cluster.Admin.Get(t.Context(), key, &before); err != nil {
		t.Fatal(err)
	}
	if again := apply(); strings.Count(again, "unchanged") != 3 {
		t.Errorf("applied again, kubectl says:\n%s", again)
	}
	apply("--server-side")
	webhooktest.Eventually(t, "a renewal after that", func(ctx context.Context) error {
		err := cluster.Admin.Get(ctx, key, &after)
		if err == nil && !after.Spec.RenewTime.After(before.Spec.RenewTime.Time) {
			err = errors.New("there was none")
		}
		return err
	})
	was, is := leaselock.Decode(&before), leaselock.Decode(&after)
	if after.UID != before.UID || is.Holder != was.Holder || is.Token != was.Token || !is.Acquired.Equal(was.Acquired) {
		t.Errorf("the election was disturbed: %s", fmt.Sprint(was, is))
	}
	if err := leads(t.Context()); err != nil {
		t.Error(err)
	}
}
