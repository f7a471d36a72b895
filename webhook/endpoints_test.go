package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/endpoints"
	"github.com/leaseholder-dev/leaseholder/webhook"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// endpointsReader knows the Endpoints shop/orders, if there are any; it counts the reads.
type endpointsReader struct {
	client.Reader
	object string
	err    error
	reads  int
}

func (r *endpointsReader) Get(_ context.Context, key types.NamespacedName, object client.Object, _ ...client.GetOption) error {
	r.reads++
	switch {
	case r.err != nil:
		return r.err
	case r.object == "" || key.String() != "shop/orders":
		return apierrors.NewNotFound(schema.GroupResource{Resource: "endpoints"}, key.Name)
	}
	return json.Unmarshal([]byte(r.object), object)
}

// ofService are the Endpoints of a Service with one pod.
const ofService = `{"apiVersion":"v1","kind":"Endpoints","metadata":{"namespace":"shop","name":"orders"},"subsets":[{"addresses":[{"ip":"192.0.2.1"}]}]}`

func TestKnownEndpoints(t *testing.T) {
	const (
		ours      = `{"apiVersion":"v1","kind":"Endpoints","metadata":{"namespace":"shop","name":"orders","labels":{"` + view.LabelManagedBy + `":"` + view.ManagedBy + `","` + injector.LabelElection + `":"orders"}`
		theirs    = `{"apiVersion":"v1","kind":"Endpoints","metadata":{"namespace":"shop","name":"orders"`
		recorded  = `,"annotations":{"` + endpoints.LeaderAnnotation + `":"{}"}`
		end       = `}}`
		addressed = `},"subsets":[{"addresses":[{"ip":"192.0.2.1"}]}]}`
	)
	for name, c := range map[string]struct {
		own, all  endpointsReader
		unmanaged bool
		says      string
		live      int
		fails     bool
	}{
		"ours, which the cache has":               {own: endpointsReader{object: ours + recorded + end}},
		"ours, so new that the cache has not":     {all: endpointsReader{object: ours + recorded + end}, live: 1},
		"ours, whose record is gone":              {own: endpointsReader{object: ours + end}, all: endpointsReader{object: ours + recorded + end}, live: 1},
		"none":                                    {live: 1},
		"an elector's of 2016":                    {all: endpointsReader{object: theirs + recorded + end}, live: 1, says: "kubectl label endpoints -n shop orders "},
		"a Service's":                             {all: endpointsReader{object: ofService}, live: 1, says: "have addresses"},
		"a Service's that is labelled":            {all: endpointsReader{object: ours + recorded + addressed}, live: 1, says: "have addresses"},
		"a Service's without pods":                {all: endpointsReader{object: theirs + end}, live: 1, says: "are without the annotation"},
		"labelled, and without a record":          {all: endpointsReader{object: ours + end}, live: 1, says: "are without the annotation"},
		"applied by an administrator":             {all: endpointsReader{object: ours + end}, live: 1, unmanaged: true},
		"a Service's where an administrator does": {all: endpointsReader{object: ours + addressed}, live: 1, unmanaged: true, says: "have addresses"},
		"the API server does not answer":          {all: endpointsReader{err: errors.New("no answer")}, live: 1, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			why, err := webhook.KnownEndpoints{Own: &c.own, All: &c.all, Unmanaged: c.unmanaged}.Unfit(t.Context(), view.Election{Namespace: "shop", Name: "orders"})
			if !strings.Contains(why, c.says) || (why == "") != (c.says == "") || (err != nil) != c.fails {
				t.Errorf("unfit %q, error %v", why, err)
			}
			if c.all.reads != c.live {
				t.Errorf("%d live reads, want %d", c.all.reads, c.live)
			}
		})
	}
}
