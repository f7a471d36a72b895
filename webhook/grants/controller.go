package grants

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/event"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/loop"
	"github.com/leaseholder-dev/leaseholder/webhook/ownership"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

const (
	// DefaultUnusedAfter is the default of Options.UnusedAfter.
	DefaultUnusedAfter = time.Hour
	// workers bounds the writes that are under way at the same time.
	workers = 8
	// recheck is how often a refused election is looked at again: what is not ours
	// is not watched.
	recheck = 30 * time.Second
)

// Options are what a Controller needs.
type Options struct {
	// Cache is that of package view.
	Cache cache.Cache
	// Client reads and writes at the API server itself.
	Client client.Client
	// Kube is the same account's way to the API server, whose clock is read from its
	// answers.
	Kube *rest.Config
	// Teller makes the Events of refusals, and of Leases that stay.
	Teller event.Teller
	// Namespace is the webhook's own, where it grants nothing.
	Namespace string
	// UnusedAfter is how long rights are kept that no pod uses; default
	// DefaultUnusedAfter.
	UnusedAfter time.Duration
	// Waits measures how long new pods wait for their rights; nil does not.
	Waits *Waits
	// Logger defaults to slog.Default().
	Logger *slog.Logger
}

// Controller grants. Every replica runs one, so that a new pod never waits for
// an election among them: the API server lets one make an object, and the others
// find it made.
type Controller struct{ o Options }

// New gives a controller that does nothing before Run.
func New(o Options) *Controller {
	if o.UnusedAfter == 0 {
		o.UnusedAfter = DefaultUnusedAfter
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Controller{o: o}
}

// Run grants until ctx is done. It can be called again when it has returned.
func (c *Controller) Run(ctx context.Context) error {
	t := newTerm(c.o)
	l := &loop.Loop[view.Election]{
		Name:    "grants",
		Workers: workers,
		Work:    t.reconcile,
		Sources: []loop.Source[view.Election]{
			// Pods come first: somebody is waiting.
			{Object: &corev1.Pod{}, Keys: t.included(t.waiting(podKeys))},
			{Object: &coordinationv1.Lease{}, Keys: t.included(t.seeing(leaseKeys))},
			{Object: view.EndpointsMetadata(), Keys: t.included(endpointsKeys)},
			{Object: &rbacv1.Role{}, Keys: t.included(labelKeys)},
			{Object: &rbacv1.RoleBinding{}, Keys: t.included(labelKeys)},
		},
		Logger: c.o.Logger,
	}
	return l.Run(ctx, c.o.Cache)
}

// term is one run of the controller.
type term struct {
	Options

	mu sync.Mutex
	// unused is since when, in this term, an election is known to have no pod.
	unused map[view.Election]time.Time
	// seen is when, in this term, an election was last seen to have a Lease.
	seen map[view.Election]time.Time
	// came is when the first pod came that an election was not looked at since.
	came map[view.Election]time.Time
}

func newTerm(o Options) *term {
	return &term{
		Options: o,
		unused:  map[view.Election]time.Time{},
		seen:    map[view.Election]time.Time{},
		came:    map[view.Election]time.Time{},
	}
}

type keysOf = func(before, after client.Object) []view.Election

// included leaves out what lies in namespaces out of bounds.
func (t *term) included(keys keysOf) keysOf {
	return func(before, after client.Object) []view.Election {
		object := after
		if object == nil {
			object = before
		}
		if view.Excluded(object.GetNamespace(), t.Namespace) {
			return nil
		}
		return keys(before, after)
	}
}

// podKeys names the election of a pod that came, went or ended.
func podKeys(before, after client.Object) []view.Election {
	if before != nil && after != nil && inElection(before) == inElection(after) {
		return nil
	}
	return bothKeys(before, after, inElection)
}

// inElection is the election that a pod needs rights for; zero for none.
func inElection(object client.Object) view.Election {
	pod, ok := object.(*corev1.Pod)
	if !ok || view.Ended(pod) {
		return view.Election{}
	}
	e, _ := view.ElectionOf(pod)
	return e
}

// leaseKeys names the election of a Lease that came, went, was relabelled, became
// somebody else's or the report of another lock, and of none that was only renewed.
func leaseKeys(before, after client.Object) []view.Election {
	if before != nil && after != nil && sameLabels(before, after) &&
		ownership.Of(before) == ownership.Of(after) && rights.LockOf(before) == rights.LockOf(after) {
		return nil
	}
	return nameKeys(before, after)
}

func sameLabels(before, after client.Object) bool {
	return maps.Equal(before.GetLabels(), after.GetLabels())
}

// nameKeys names the election that has the object's name.
func nameKeys(before, after client.Object) []view.Election {
	return bothKeys(before, after, func(o client.Object) view.Election {
		return view.Election{Namespace: o.GetNamespace(), Name: o.GetName()}
	})
}

// labelKeys names the election of rights that changed in any way.
func labelKeys(before, after client.Object) []view.Election {
	if before != nil && after != nil && before.GetResourceVersion() == after.GetResourceVersion() {
		return nil
	}
	return bothKeys(before, after, func(o client.Object) view.Election {
		return view.Election{Namespace: o.GetNamespace(), Name: o.GetLabels()[injector.LabelElection]}
	})
}

// bothKeys names the elections of an object before and after it changed.
func bothKeys(before, after client.Object, election func(client.Object) view.Election) []view.Election {
	var keys []view.Election
	for _, o := range []client.Object{before, after} {
		if o == nil {
			continue
		}
		if e := election(o); e.Name != "" && (len(keys) == 0 || keys[0] != e) {
			keys = append(keys, e)
		}
	}
	return keys
}
