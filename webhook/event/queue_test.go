package event

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// server keeps what is made; it answers with err, and not at all while it hangs.
type server struct {
	client.Client
	mu    sync.Mutex
	made  []*eventsv1.Event
	tries int
	err   error
	hangs bool
}

func (s *server) Create(ctx context.Context, object client.Object, _ ...client.CreateOption) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	if s.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if e, ok := object.(*eventsv1.Event); ok && s.err == nil {
		s.made = append(s.made, e)
	}
	return s.err
}

func newQueue(t *testing.T, s *server) (*Queue, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewRegistry()
	q, err := NewQueue(Teller{Client: s, Instance: "test", Logger: slog.New(slog.DiscardHandler)}, registry)
	if err != nil {
		t.Fatal(err)
	}
	return q, registry
}

// run runs the queue until the test's bubble ends.
func run(t *testing.T, q *Queue) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func refusal(note string) Event {
	return Event{
		Regarding: corev1.ObjectReference{Kind: "ReplicaSet", Namespace: "shop", Name: "orders", UID: "uid"},
		Reason:    "InvalidValue", Note: note, Occasion: note,
	}
}

// spread is one of many refusals in many namespaces.
func spread(i int) Event {
	e := refusal(strconv.Itoa(i))
	e.Regarding.Namespace = fmt.Sprint("shop-", i/10)
	return e
}

func TestOneNamespaceDoesNotTakeTheRoomOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		q, _ := newQueue(t, s)
		run(t, q)
		flood := func(want int) {
			t.Helper()
			for i := range 10 * burstEach {
				q.Offer(refusal(strconv.Itoa(i)))
			}
			synctest.Wait()
			if s.tries != want {
				t.Errorf("%d requests, want %d", s.tries, want)
			}
		}
		flood(burstEach)
		other := refusal("port")
		other.Regarding.Namespace = "farm"
		q.Offer(other)
		synctest.Wait()
		if s.tries != burstEach+1 {
			t.Errorf("another namespace is not told of: %d requests", s.tries)
		}
		time.Sleep(time.Second)
		flood(burstEach + 1)
		time.Sleep(9 * time.Second)
		flood(burstEach + 2)
		// What was dropped is told later, also after a long time of nothing.
		time.Sleep(forgotten + time.Second)
		flood(2*burstEach + 2)
	})
}

func TestWhatIsOfferedAgainSoonIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		q, _ := newQueue(t, s)
		run(t, q)
		tries := func(want int) {
			t.Helper()
			synctest.Wait()
			if s.tries != want {
				t.Errorf("%d requests, want %d", s.tries, want)
			}
		}
		for range 20 {
			q.Offer(refusal("port"))
		}
		tries(1)
		q.Offer(refusal("another port"))
		tries(2)
		elsewhere := refusal("port")
		elsewhere.Regarding.Namespace = "farm"
		q.Offer(elsewhere)
		tries(3)
		if e := s.made[0]; e.Namespace != "shop" || e.Regarding.Name != "orders" || e.Reason != "InvalidValue" || e.Note != "port" || e.Related != nil {
			t.Errorf("made %+v", e)
		}
		time.Sleep(remembered + time.Second)
		q.Offer(refusal("port"))
		tries(4)
	})
}

func TestWhatCanNotBeMadeIsTriedAgainLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{err: errors.New("no answer")}
		q, _ := newQueue(t, s)
		run(t, q)
		offer := func(want int) {
			t.Helper()
			q.Offer(refusal("port"))
			synctest.Wait()
			if s.tries != want {
				t.Errorf("%d requests, want %d", s.tries, want)
			}
		}
		offer(1)
		offer(1)
		s.err = nil
		time.Sleep(retryAfter + time.Second)
		offer(2)
		time.Sleep(retryAfter + time.Second)
		offer(2)
	})
}

func TestNobodyWaitsForAnAPIServerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{hangs: true}
		q, registry := newQueue(t, s)
		for i := range maxWaiting + 5 {
			q.Offer(spread(i))
		}
		families, err := registry.Gather()
		if err != nil || len(families) != 1 || families[0].GetMetric()[0].GetCounter().GetValue() != 5 {
			t.Errorf("counted %v: %v", families, err)
		}
		run(t, q)
		time.Sleep(patience + time.Second)
		synctest.Wait() // the first has been given up
		q.Offer(spread(maxWaiting))
		if len(q.waiting) != maxWaiting-1 {
			t.Errorf("what was dropped can't be offered again: %d wait", len(q.waiting))
		}
	})
}

func TestAnEventIsMadeOnlySoFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		q, _ := newQueue(t, s)
		for i := range 10 * burst {
			q.Offer(spread(i))
		}
		run(t, q)
		begin := time.Now()
		synctest.Wait()
		if s.tries != burst || time.Since(begin) != 0 {
			t.Errorf("%d at once, want %d", s.tries, burst)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if s.tries != burst+perSecond {
			t.Errorf("%d after a second, want %d", s.tries, burst+perSecond)
		}
	})
}

func TestANoteIsCut(t *testing.T) {
	s := &server{}
	teller := Teller{Client: s, Instance: "test", Logger: slog.New(slog.DiscardHandler)}
	if !teller.Tell(t.Context(), refusal(strings.Repeat("ß", MaxNote))) || len(s.made[0].Note) != MaxNote {
		t.Errorf("a note of %d bytes", len(s.made[0].Note))
	}
}
