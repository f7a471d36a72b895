package event

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/client-go/util/flowcontrol"
)

const (
	// maxWaiting is how many Events wait at most.
	maxWaiting = 1000
	// perSecond and burst bound how fast Events are made.
	perSecond, burst = 10, 100
	// perSecondEach and burstEach bound how fast Events are taken for one namespace, so
	// that it can't fill the room of all, nor be filled. Of a hundred broken owners the
	// last is told after some ten minutes.
	perSecondEach, burstEach = 0.1, 25
	// maxNamespaces is how many namespaces are remembered at most.
	maxNamespaces = 1024
	// forgotten is when a namespace is as good as new that nothing was taken for.
	forgotten = time.Duration(burstEach / perSecondEach * float64(time.Second))
	// patience is how long the API server may take for one.
	patience = 10 * time.Second
	// maxRemembered is how many Events are remembered at most.
	maxRemembered = 4096
	// remembered is how long an Event is known to be told: less than the hour for
	// which API servers keep Events by default.
	remembered = 20 * time.Minute
	// retryAfter is how long an Event is not tried again that could not be made.
	retryAfter = time.Minute
)

// Queue tells without making anybody wait. What it is offered again soon, it has
// told; what it has no room for is counted and forgotten. It is for what is tried
// again and again, such as the creation of a pod that is refused: what was
// forgotten is offered once more.
type Queue struct {
	teller  Teller
	waiting chan Event
	limit   flowcontrol.RateLimiter
	dropped prometheus.Counter

	mu sync.Mutex
	// told are the Events that were taken, by namespace and name.
	told *cache.LRUExpireCache
	// namespaces have the limits of each.
	namespaces *cache.LRUExpireCache
}

// NewQueue gives a queue that tells nothing before Run, and registers the counter
// leaseholder_events_dropped_total.
func NewQueue(t Teller, r prometheus.Registerer) (*Queue, error) {
	q := &Queue{
		teller:     t,
		waiting:    make(chan Event, maxWaiting),
		limit:      flowcontrol.NewTokenBucketRateLimiter(perSecond, burst),
		told:       cache.NewLRUExpireCache(maxRemembered),
		namespaces: cache.NewLRUExpireCache(maxNamespaces),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "leaseholder_events_dropped_total",
			Help: "Events that were not made, because too many waited, or came of one namespace.",
		}),
	}
	if err := r.Register(q.dropped); err != nil {
		return nil, fmt.Errorf("register the counter of dropped events: %w", err)
	}
	return q, nil
}

// Offer takes an Event to be told soon, unless it was taken a while ago or there
// is no room, or too little in its namespace. It never waits.
func (q *Queue) Offer(e Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, taken := q.told.Get(e.key()); taken {
		return
	}
	if !q.bounded(e.Regarding.Namespace).TryAccept() {
		q.dropped.Inc()
		return
	}
	select {
	case q.waiting <- e:
		q.told.Add(e.key(), nil, remembered)
	default:
		q.dropped.Inc()
	}
}

// bounded is the limit of a namespace. It is called with the lock held.
func (q *Queue) bounded(namespace string) flowcontrol.PassiveRateLimiter {
	limit, ok := flowcontrol.PassiveRateLimiter(nil), false
	if known, found := q.namespaces.Get(namespace); found {
		limit, ok = known.(flowcontrol.PassiveRateLimiter)
	}
	if !ok {
		limit = flowcontrol.NewTokenBucketPassiveRateLimiter(perSecondEach, burstEach)
	}
	q.namespaces.Add(namespace, limit, forgotten)
	return limit
}

// Run tells until ctx is done. What waits then is forgotten: whoever is refused
// tries again, and is told by another replica.
func (q *Queue) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-q.waiting:
			if err := q.limit.Wait(ctx); err != nil {
				return nil //nolint:nilerr // ctx is done
			}
			q.tell(ctx, e)
		}
	}
}

func (q *Queue) tell(ctx context.Context, e Event) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if q.teller.Tell(ctx, e) {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.told.Add(e.key(), nil, retryAfter)
}

func (e Event) key() string { return e.Regarding.Namespace + "/" + e.name() }
