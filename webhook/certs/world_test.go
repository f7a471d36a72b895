package certs

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// What a simulated cluster may do at worst.
const (
	// worstView is by how much a replica's view may lag.
	worstView = time.Minute
	// worstServer is by how much that of an API server may.
	worstServer = time.Minute
	// worstClock is by how much a clock may be wrong: a replica's, or an API server's.
	worstClock = 2 * time.Minute
)

// kinds are the objects of a world.
const (
	kindSecret = iota
	kindPods
	kindWorkloads
	kinds
)

// version is what an object was from a time on; nil when there was none.
type version struct {
	since  time.Time
	object client.Object
}

// world is a cluster in virtual time. Replicas are real Keepers, which read an old
// version of everything and write by compare-and-swap.
type world struct {
	t        *testing.T
	random   *rand.Rand
	now      time.Time
	versions [kinds][]version
	replicas []*mate
	events   []event
	// harmed is when a bundle was harmed last: until it is in order again, what is
	// served may be untrusted.
	harmed time.Time
	// changed is called when the Secret gets a version.
	changed func()
	known   map[known][2]time.Time
}

// event is something that will happen.
type event struct {
	at time.Time
	do func()
}

func newWorld(t *testing.T, seed uint64, replicas int) *world {
	t.Helper()
	w := &world{t: t, random: rand.New(rand.NewPCG(seed, 0)), now: begin, changed: func() {}, known: map[known][2]time.Time{}}
	named := metav1.ObjectMeta{Name: "configuration"}
	w.put(kindSecret, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: "secret"}})
	w.put(kindPods, &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: named, Webhooks: []admissionregistrationv1.MutatingWebhook{{Name: "a"}, {Name: "b"}},
	})
	w.put(kindWorkloads, &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: named, Webhooks: []admissionregistrationv1.ValidatingWebhook{{Name: "c"}},
	})
	for i := range replicas {
		w.replicas = append(w.replicas, &mate{w: w, name: i})
		w.replicas[i].start()
	}
	return w
}

func (w *world) upTo(most time.Duration) time.Duration {
	return time.Duration(w.random.Int64N(int64(most) + 1))
}

func (w *world) later(after time.Duration, do func()) {
	w.events = append(w.events, event{w.now.Add(after), do})
}

// put makes a version, of which the replicas learn one after another.
func (w *world) put(kind int, object client.Object) {
	if object != nil {
		object.SetResourceVersion(strconv.Itoa(len(w.versions[kind]) + 1))
	}
	w.versions[kind] = append(w.versions[kind], version{w.now, object})
	if kind == kindSecret {
		w.changed()
	}
	index := len(w.versions[kind]) - 1
	for _, m := range w.replicas {
		w.later(w.upTo(worstView), func() {
			if m.seen[kind] < index {
				m.seen[kind] = index
				m.wake = w.now
			}
		})
	}
}

// pods is a version of the configuration for pods, workloads the last of the other.
func (w *world) pods(version int) *admissionregistrationv1.MutatingWebhookConfiguration {
	c, ok := w.versions[kindPods][version].object.(*admissionregistrationv1.MutatingWebhookConfiguration)
	if !ok {
		w.t.Fatal("there is no configuration for pods")
	}
	return c
}

func (w *world) workloads() *admissionregistrationv1.ValidatingWebhookConfiguration {
	c, ok := w.last(kindWorkloads).(*admissionregistrationv1.ValidatingWebhookConfiguration)
	if !ok {
		w.t.Fatal("there is no configuration for workloads")
	}
	return c
}

func (w *world) last(kind int) client.Object { return w.versions[kind][len(w.versions[kind])-1].object }

// run lets a time pass, and checks what must hold whenever something has happened and
// just before.
func (w *world) run(long time.Duration) {
	w.t.Helper()
	end := w.now.Add(long)
	for !w.t.Failed() {
		next, do := end, func() {}
		for _, m := range w.replicas {
			if !m.wake.IsZero() && m.wake.Before(next) {
				next, do = m.wake, m.work
			}
		}
		which := -1
		for i, e := range w.events {
			if e.at.Before(next) {
				next, do, which = e.at, e.do, i
			}
		}
		if which >= 0 {
			w.events = append(w.events[:which], w.events[which+1:]...)
		}
		if next.After(w.now) {
			w.now = next
			w.check()
		}
		if !next.Before(end) {
			return
		}
		do()
		w.check()
	}
}
