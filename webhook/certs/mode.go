package certs

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Mode is who keeps the Secret and the bundles.
type Mode string

const (
	// SelfManaged is this package. It may write both, and makes the Secret again when
	// it is gone.
	SelfManaged Mode = "selfManaged"
	// CertManager is cert-manager, which issues the certificate into the Secret and
	// injects its authority into the bundles. Nothing is written here.
	CertManager Mode = "certManager"
	// Provided is the administrator. Nothing is written here.
	Provided Mode = "provided"
)

// manager is who applies the empty Secret. Its data is not among what it applies, so
// that to apply it over one that another replica has filled meanwhile changes nothing.
const manager = client.FieldOwner("leaseholder-webhook-secret")

// missing is called when the Secret does not exist. What comes next comes with the
// Secret.
func (k *Keeper) missing(ctx context.Context) error {
	switch k.o.Mode {
	case CertManager:
		return fmt.Errorf("the secret %q is missing: cert-manager has not issued the certificate (`kubectl describe certificates --namespace %s` says why)",
			k.o.Secret.Name, k.o.Secret.Namespace)
	case Provided:
		return fmt.Errorf("the secret %q is missing: make it with %s and %s", k.o.Secret.Name, KeyLeaf, KeyLeafKey)
	case SelfManaged:
	}
	// It can only be applied: the right to create can be limited to a name for a
	// request that bears one, and the plain kind does not.
	empty := applycorev1.Secret(k.o.Secret.Name, k.o.Secret.Namespace)
	if err := k.o.Client.Apply(ctx, empty, manager); err != nil {
		if apierrors.IsForbidden(err) {
			return fmt.Errorf("the secret %q is missing, and may not be made: make it, empty, or have `helm upgrade` make it: %w", k.o.Secret.Name, err)
		}
		return fmt.Errorf("make the secret %q again: %w", k.o.Secret.Name, err)
	}
	k.o.Logger.WarnContext(ctx, "the certificate's secret was missing and was made again, empty", "secret", k.o.Secret.String())
	return nil
}

// serveGiven serves what somebody else keeps. Until that can be trusted, what is
// served already is.
func (k *Keeper) serveGiven(now time.Time, secret *corev1.Secret, bundles [][]byte) (again time.Duration, err error) {
	leaf, err := k.givenLeaf(secret)
	left := k.served.offer(now, k.o.Lifetimes.Grace, leaf, bundles)
	if err != nil || left > 0 {
		return left, err
	}
	if _, err := trustedUntil(bundles, leaf, now); err != nil {
		// It may be valid later on, by this clock.
		if early := leaf.Leaf.NotBefore.Sub(now); early > 0 {
			return early, nil
		}
		return 0, fmt.Errorf("the API server can't trust the certificate of the secret %q: %w", k.o.Secret.Name, err)
	}
	return 0, nil
}

func (k *Keeper) givenLeaf(secret *corev1.Secret) (*tls.Certificate, error) {
	leaf, err := tls.X509KeyPair(secret.Data[KeyLeaf], secret.Data[KeyLeafKey])
	if err != nil {
		return nil, fmt.Errorf("read %s and %s of the secret %q: %w", KeyLeaf, KeyLeafKey, k.o.Secret.Name, err)
	}
	// The API server calls it by the first name.
	if err := leaf.Leaf.VerifyHostname(k.o.Names[0]); err != nil {
		return nil, fmt.Errorf("the certificate of the secret %q is for others: %w", k.o.Secret.Name, err)
	}
	return &leaf, nil
}
