package certs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/webhook/certs"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// deleteSecret deletes the Secret until the test ends, and makes sure that the next
// one finds it again.
func deleteSecret(t *testing.T) {
	t.Helper()
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: webhooktest.Namespace, Name: webhooktest.Secret}}
	if err := cluster.Admin.Delete(t.Context(), s.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Admin.Create(context.WithoutCancel(t.Context()), s) })
}

func TestADeletedSecretIsMadeAgainByReplicasThatServeOn(t *testing.T) {
	install(t)
	lifetimes := certs.DefaultLifetimes()
	var keepers []*certs.Keeper
	for range 3 {
		keepers = append(keepers, newKeeper(t, lifetimes))
	}
	for _, k := range keepers {
		webhooktest.Background(t, "keeper", k.Run)
	}
	webhooktest.Eventually(t, "all are ready", ready(keepers...))
	before := leaf(keepers[0])

	deleteSecret(t)
	webhooktest.Eventually(t, "there is another authority", func(ctx context.Context) error {
		var s corev1.Secret
		err := cluster.Admin.Get(ctx, types.NamespacedName{Namespace: webhooktest.Namespace, Name: webhooktest.Secret}, &s)
		if err == nil && len(s.Data[certs.KeyCA]) == 0 {
			err = errors.New("it is empty")
		}
		return err
	})
	// The grace has just begun: what was served before is served on.
	for _, k := range keepers {
		if err := k.Ready(); err != nil || !leaf(k).Equal(before) {
			t.Errorf("it does not serve on: %v", err)
		}
	}
}

func TestOnlyTheCertificatesSecretCanBeMade(t *testing.T) {
	if err := cluster.Client.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: webhooktest.Namespace, Name: "another"},
	}); !apierrors.IsForbidden(err) {
		t.Errorf("another secret: %v", err)
	}
	deleteSecret(t)
	if err := cluster.Client.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: webhooktest.Namespace, Name: webhooktest.Secret},
	}); !apierrors.IsForbidden(err) {
		t.Errorf("a plain create: %v", err)
	}
}

// noCreation is a client whose account may not make the Secret.
type noCreation struct{ client.Client }

func (noCreation) Apply(context.Context, runtime.ApplyConfiguration, ...client.ApplyOption) error {
	return apierrors.NewForbidden(corev1.Resource("secrets"), webhooktest.Secret, errors.New("a policy forbids it"))
}

func TestWhoMayNotMakeTheSecretServesOnAndSaysWhatToDo(t *testing.T) {
	install(t)
	var told words
	k, err := certs.New(certs.Options{
		Cache:                cluster.Cache(t),
		Client:               noCreation{cluster.Client},
		Secret:               types.NamespacedName{Namespace: webhooktest.Namespace, Name: webhooktest.Secret},
		WebhookConfiguration: webhooktest.Configuration,
		Names:                []string{"localhost", "127.0.0.1"},
		Logger:               slog.New(slog.NewTextHandler(&told, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	webhooktest.Background(t, "keeper", k.Run)
	webhooktest.Eventually(t, "it is ready", ready(k))
	before := leaf(k)
	deleteSecret(t)
	webhooktest.Eventually(t, "it says what to do", func(context.Context) error {
		if !strings.Contains(told.String(), "helm upgrade") {
			return fmt.Errorf("it says %q", told.String())
		}
		return nil
	})
	if err := k.Ready(); err != nil || !leaf(k).Equal(before) {
		t.Errorf("it does not serve on: %v", err)
	}
	// What `helm upgrade` does.
	if err := cluster.Admin.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: webhooktest.Namespace, Name: webhooktest.Secret},
	}); err != nil {
		t.Fatal(err)
	}
	webhooktest.Eventually(t, "it is filled", func(ctx context.Context) error {
		if len(secret(ctx, t).Data[certs.KeyLeaf]) == 0 {
			return errors.New("it is empty")
		}
		return nil
	})
}

// words takes in a log.
type words struct {
	mu   sync.Mutex
	text strings.Builder
}

func (w *words) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}
