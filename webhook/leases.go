package webhook

import (
	"context"
	"fmt"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// ownLabel marks what Leaseholder made.
const ownLabel = view.LabelManagedBy + "=" + view.ManagedBy

// KnownLeases tells who made a Lease: at no cost if Leaseholder did, which is so
// for all pods of an election but the first, and with one read otherwise.
type KnownLeases struct {
	// Own has the Leases that Leaseholder made.
	Own client.Reader
	// All reads at the API server.
	All client.Reader
}

var _ Leases = KnownLeases{}

// Foreign implements Leases.
func (k KnownLeases) Foreign(ctx context.Context, namespace, name string) (bool, error) {
	key := types.NamespacedName{Namespace: namespace, Name: name}
	if err := k.Own.Get(ctx, key, &coordinationv1.Lease{}); err == nil {
		return false, nil
	}
	found := &metav1.PartialObjectMetadata{}
	found.SetGroupVersionKind(coordinationv1.SchemeGroupVersion.WithKind("Lease"))
	err := k.All.Get(ctx, key, found)
	switch {
	case apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read Lease %s: %w", key, err)
	}
	return !view.Ours(found), nil
}
