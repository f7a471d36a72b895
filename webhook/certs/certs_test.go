package certs_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/webhook/certs"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

var cluster webhooktest.Cluster

func TestMain(m *testing.M) { os.Exit(webhooktest.Main(m, &cluster)) }

func secret(ctx context.Context, t *testing.T) *corev1.Secret {
	t.Helper()
	s := &corev1.Secret{}
	if err := cluster.Admin.Get(ctx, types.NamespacedName{Namespace: webhooktest.Namespace, Name: webhooktest.Secret}, s); err != nil {
		t.Fatal(err)
	}
	return s
}

func emptySecret(t *testing.T) {
	t.Helper()
	s := secret(t.Context(), t)
	s.Data, s.Annotations = nil, nil
	if err := cluster.Admin.Update(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

func newKeeper(t *testing.T, lifetimes certs.Lifetimes) *certs.Keeper {
	t.Helper()
	return newKeeperWith(t, lifetimes, cluster.Client, nil)
}

// newKeeperWith takes a client and a clock; nil is the real one.
func newKeeperWith(t *testing.T, lifetimes certs.Lifetimes, writer client.Client, now func() time.Time) *certs.Keeper {
	t.Helper()
	k, err := certs.New(certs.Options{
		Cache:                cluster.Cache(t),
		Client:               writer,
		Now:                  now,
		Secret:               types.NamespacedName{Namespace: webhooktest.Namespace, Name: webhooktest.Secret},
		WebhookConfiguration: webhooktest.Configuration,
		Names:                []string{"localhost", "127.0.0.1"},
		Lifetimes:            lifetimes,
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func leaf(k *certs.Keeper) *x509.Certificate {
	c, err := k.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		return nil
	}
	return c.Leaf
}

func ready(keepers ...*certs.Keeper) func(context.Context) error {
	return func(context.Context) error {
		var errs []error
		for _, k := range keepers {
			errs = append(errs, k.Ready())
		}
		return errors.Join(errs...)
	}
}

func TestReplicasThatStartTogetherServeOneCertificate(t *testing.T) {
	install(t)
	const replicas = 5
	var keepers []*certs.Keeper
	for range replicas {
		keepers = append(keepers, newKeeper(t, certs.Lifetimes{}))
	}
	for _, k := range keepers {
		webhooktest.Background(t, "keeper", k.Run)
	}
	webhooktest.Eventually(t, "all are ready", ready(keepers...))
	webhooktest.Eventually(t, "all serve the same", func(context.Context) error {
		for _, k := range keepers {
			if !leaf(k).Equal(leaf(keepers[0])) {
				return errors.New("two leaves")
			}
		}
		return nil
	})
}

func TestADamagedSecretAndAnEmptiedBundleAreRepaired(t *testing.T) {
	install(t)
	k := newKeeper(t, certs.Lifetimes{CA: time.Hour, Leaf: 30 * time.Minute, Grace: time.Second})
	webhooktest.Background(t, "keeper", k.Run)
	webhooktest.Eventually(t, "it is ready", ready(k))
	before := leaf(k)

	webhooktest.Eventually(t, "all bundles are published", published)
	empty := client.RawPatch(types.JSONPatchType, []byte(`[{"op":"remove","path":"/webhooks/1/clientConfig/caBundle"}]`))
	for _, c := range []client.Object{&admissionregistrationv1.MutatingWebhookConfiguration{}, &admissionregistrationv1.ValidatingWebhookConfiguration{}} {
		c.SetName(webhooktest.Configuration)
		if err := cluster.Admin.Patch(t.Context(), c, empty); err != nil {
			t.Fatal(err)
		}
		webhooktest.Eventually(t, "all bundles are the same again", published)
	}
	if !leaf(k).Equal(before) {
		t.Error("the leaf was changed without need")
	}

	emptySecret(t)
	webhooktest.Eventually(t, "another leaf is served", func(context.Context) error {
		if leaf(k).Equal(before) {
			return errors.New("the same leaf")
		}
		return k.Ready()
	})
}

func TestWithoutAConfigurationItIsNotReady(t *testing.T) {
	emptySecret(t)
	k := newKeeper(t, certs.Lifetimes{})
	webhooktest.Background(t, "keeper", k.Run)
	if err := k.Ready(); !errors.Is(err, certs.ErrNoLeaf) {
		t.Errorf("ready without a configuration: %v", err)
	}
}

// TestPodsDoNotWaitForTheConfigurationForWorkloads is an installation with a chart
// that had none, which is brought up to date later.
func TestPodsDoNotWaitForTheConfigurationForWorkloads(t *testing.T) {
	installForPods(t)
	k := newKeeper(t, certs.Lifetimes{})
	webhooktest.Background(t, "keeper", k.Run)
	webhooktest.Eventually(t, "it is ready", ready(k))
	before := leaf(k)
	installForWorkloads(t)
	webhooktest.Eventually(t, "all bundles are published", published)
	if err := k.Ready(); err != nil || !leaf(k).Equal(before) {
		t.Errorf("the leaf was changed without need, or it is not ready: %v", err)
	}
}

func TestWhoseConfigurationIsDeletedIsNotReady(t *testing.T) {
	install(t)
	k := newKeeper(t, certs.Lifetimes{})
	webhooktest.Background(t, "keeper", k.Run)
	webhooktest.Eventually(t, "it is ready", ready(k))
	c := &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: webhooktest.Configuration}}
	if err := cluster.Admin.Delete(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	webhooktest.Eventually(t, "it is not ready", func(context.Context) error {
		if err := k.Ready(); !errors.Is(err, certs.ErrUntrusted) {
			return fmt.Errorf("ready: %w", err)
		}
		return nil
	})
}

// readOnly is a client that may not write Secrets.
type readOnly struct{ client.Client }

func (c readOnly) Patch(ctx context.Context, o client.Object, p client.Patch, options ...client.PatchOption) error {
	if _, ok := o.(*corev1.Secret); ok {
		return errors.New("a policy forbids it")
	}
	return c.Client.Patch(ctx, o, p, options...)
}

func TestWhatTheSecretHoldsIsServedWhileItCannotBeWritten(t *testing.T) {
	install(t)
	first := newKeeper(t, certs.Lifetimes{})
	stop := webhooktest.Background(t, "keeper", first.Run)
	webhooktest.Eventually(t, "it is ready", ready(first))
	stop()
	// A leaf is due, and the one that there is has a quarter of its time left.
	lifetimes := certs.DefaultLifetimes()
	later := func() time.Time { return time.Now().Add(lifetimes.Leaf * 3 / 4) }
	second := newKeeperWith(t, lifetimes, readOnly{cluster.Client}, later)
	webhooktest.Background(t, "second keeper", second.Run)
	webhooktest.Eventually(t, "the second is ready too", ready(second))
}
