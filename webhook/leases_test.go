package webhook_test

import (
	"context"
	"errors"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/webhook"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// reader knows Leases by their names and labels; it counts the reads.
type reader struct {
	client.Reader
	leases map[string]map[string]string
	err    error
	reads  int
}

func (r *reader) Get(_ context.Context, key types.NamespacedName, object client.Object, _ ...client.GetOption) error {
	r.reads++
	labels, found := r.leases[key.String()]
	switch {
	case r.err != nil:
		return r.err
	case !found:
		return apierrors.NewNotFound(coordinationv1.Resource("leases"), key.Name)
	}
	object.SetLabels(labels)
	return nil
}

func TestKnownLeases(t *testing.T) {
	ours := map[string]string{view.LabelManagedBy: view.ManagedBy}
	for name, c := range map[string]struct {
		own, all reader
		foreign  bool
		live     int
		fails    bool
	}{
		"ours, which the cache has":           {own: reader{leases: map[string]map[string]string{"shop/orders": ours}}},
		"ours, so new that the cache has not": {all: reader{leases: map[string]map[string]string{"shop/orders": ours}}, live: 1},
		"another's":                           {all: reader{leases: map[string]map[string]string{"shop/orders": nil}}, live: 1, foreign: true},
		"another's, elsewhere":                {all: reader{leases: map[string]map[string]string{"farm/orders": nil}}, live: 1},
		"none":                                {live: 1},
		"the API server does not answer":      {all: reader{err: errors.New("no answer")}, live: 1, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			foreign, err := webhook.KnownLeases{Own: &c.own, All: &c.all}.Foreign(t.Context(), "shop", "orders")
			if foreign != c.foreign || (err != nil) != c.fails {
				t.Errorf("foreign %v, error %v", foreign, err)
			}
			if c.all.reads != c.live {
				t.Errorf("%d live reads, want %d", c.all.reads, c.live)
			}
		})
	}
}
