package roles_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/webhook/roles"
)

// refusing is a client to which the API server refuses every change of one pod.
type refusing struct {
	client.Client
	pod string
	err error
	// lifted ends it.
	lifted *atomic.Bool
}

func (r refusing) Patch(ctx context.Context, o client.Object, patch client.Patch, options ...client.PatchOption) error {
	if o.GetName() == r.pod && !r.lifted.Load() {
		return r.err
	}
	return r.Client.Patch(ctx, o, patch, options...)
}

func TestAPodThatCantBeRelabelledHoldsNoLeaderUp(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	for what, refusal := range map[string]error{
		"forbidden": apierrors.NewForbidden(pods, "a", errors.New("a policy says no")),
		"invalid":   apierrors.NewInvalid(schema.GroupKind{Kind: "Pod"}, "a", nil),
		"too large": apierrors.NewRequestEntityTooLargeError("limit is 3145728"),
	} {
		t.Run(what, func(t *testing.T) {
			n := cluster.NewNamespace(t)
			e := newElected(t, n, "orders")
			a, b := cluster.NewPod(t, n, "a", "orders", ""), cluster.NewPod(t, n, "b", "orders", "")
			lifted := &atomic.Bool{}
			lifted.Store(true)
			startWith(t, refusing{cluster.Client, "a", refusal, lifted})
			e.hold(a, 1)
			shows(t, a, "leader", "1", cost)
			lifted.Store(false)
			e.hold(b, 2)
			shows(t, b, "leader", "2", cost)
			shows(t, a, "leader", "1", cost)
			toldTimes(t, a.UID, n, roles.ReasonRefused, 1)
			toldTimes(t, a.UID, n, roles.ReasonLost, 0)
			lifted.Store(true)
			shows(t, a, "standby", "2", "")
			toldTimes(t, a.UID, n, roles.ReasonLost, 1)
			toldTimes(t, a.UID, n, roles.ReasonRefused, 1)
		})
	}
}
