package webhook

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// Endpoints tells which Endpoints can be the lock of an election.
type Endpoints interface {
	// Unfit says why the Endpoints of an election's name can't be its lock, and the way
	// out; empty if they can, or if there are none.
	Unfit(ctx context.Context, e view.Election) (string, error)
}

// KnownEndpoints tells of Endpoints at no cost if they are known to be an election's,
// which is so for all pods of an election but the first, and with one read otherwise.
type KnownEndpoints struct {
	// Own has the metadata of the Endpoints that bear Leaseholder's label, if it has any.
	Own client.Reader
	// All reads at the API server.
	All client.Reader
	// Unmanaged says that an administrator makes them: what that prints has no record.
	Unmanaged bool
}

var _ Endpoints = KnownEndpoints{}

// Unfit implements Endpoints.
func (k KnownEndpoints) Unfit(ctx context.Context, e view.Election) (string, error) {
	key := types.NamespacedName{Namespace: e.Namespace, Name: e.Name}
	known := view.EndpointsMetadata()
	if err := k.Own.Get(ctx, key, known); err == nil && view.Ours(known) && rights.Recorded(known) {
		return "", nil
	}
	whole := &unstructured.Unstructured{}
	whole.SetGroupVersionKind(view.EndpointsKind())
	err := k.All.Get(ctx, key, whole)
	switch {
	case apierrors.IsNotFound(err):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("read Endpoints %s: %w", key, err)
	case k.Unmanaged && rights.Applied(whole):
		return "", nil
	}
	return rights.UnfitEndpoints(whole), nil
}
