package roles

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/loop"
)

// conflicting is a client to which every pod has just changed.
type conflicting struct{ client.Client }

func (conflicting) Patch(_ context.Context, o client.Object, _ client.Patch, _ ...client.PatchOption) error {
	return apierrors.NewConflict(schema.GroupResource{Resource: "pods"}, o.GetName(), nil)
}

// What loop does with ErrBehind, which is to try again less and less, is tested
// there.
func TestAConflictMeansThatTheCacheIsBehind(t *testing.T) {
	c := New(Options{Client: conflicting{}})
	err := c.apply(t.Context(), change{pod: &corev1.Pod{}, role: injector.RoleLeader, token: 1})
	if !errors.Is(err, loop.ErrBehind) {
		t.Errorf("a conflict gives %v", err)
	}
}
