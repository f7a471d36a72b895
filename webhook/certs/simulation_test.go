package certs

import (
	"crypto/tls"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// patienceOfBundles is how long replicas may need to bring a bundle in order: one sees
// it, tries again after an error, and everybody sees the change.
const patienceOfBundles = 2*worstView + worstServer + 40*time.Second

// check is what must hold at every instant.
func (w *world) check() {
	w.t.Helper()
	for _, m := range w.replicas {
		if m.keeper.Ready() != nil {
			if !m.settled.IsZero() && w.now.Sub(w.harmed) > patienceOfBundles {
				w.t.Errorf("%s: replica %d is ready no more: %v", w.now, m.name, m.keeper.Ready())
			}
			if m.settled.IsZero() && w.now.Sub(m.started) > 2*patienceOfBundles {
				w.t.Errorf("%s: replica %d is not ready since it started: %v", w.now, m.name, m.keeper.Ready())
			}
			continue
		}
		if m.settled.IsZero() {
			m.settled = w.now
		}
		leaf, err := m.keeper.GetCertificate(nil)
		if err != nil {
			w.t.Fatal(err)
		}
		if w.now.Sub(w.harmed) > patienceOfBundles {
			w.checkServed(m, leaf)
		}
	}
	if s, ok := w.last(kindSecret).(*corev1.Secret); ok {
		c := read(s.Data, s.Annotations, w.now, testNames)
		if c.leaf != nil && c.leaf.cert.NotAfter.After(c.ca.cert.NotAfter) {
			w.t.Errorf("%s: the leaf outlives its authority", w.now)
		}
	}
}

// checkServed asks every API server, the slowest of which has an old version, and each
// of which has a clock of its own.
func (w *world) checkServed(m *mate, leaf *tls.Certificate) {
	w.t.Helper()
	all := w.versions[kindPods]
	for i := range all {
		if i+1 < len(all) && w.now.Sub(all[i+1].since) > worstServer {
			continue // nobody has it any more
		}
		if w.now.Sub(begin) < time.Hour && i < 2 {
			continue // they know nothing yet, and no replica can do anything about it
		}
		bundles := mutating(w.pods(i)).bundles()
		for _, wrong := range []time.Duration{-worstClock, worstClock} {
			if err := w.trusts(i, bundles, leaf, w.now.Add(wrong)); err != nil {
				w.t.Errorf("%s: an API server with version %d of %d, whose clock is wrong by %s, does not trust replica %d: %v",
					w.now, i, len(all), wrong, m.name, err)
			}
		}
	}
}

// known is what has been verified once.
type known struct {
	version int
	leaf    *tls.Certificate
}

// trusts asks an API server with a version, once for as long as the answer stays the
// same.
func (w *world) trusts(version int, bundles [][]byte, leaf *tls.Certificate, now time.Time) error {
	if span, ok := w.known[known{version, leaf}]; ok && !now.Before(span[0]) && now.Before(span[1]) {
		return nil
	}
	until, err := trustedUntil(bundles, leaf, now)
	if err == nil {
		if leaf.Leaf.NotAfter.Before(until) {
			until = leaf.Leaf.NotAfter
		}
		w.known[known{version, leaf}] = [2]time.Time{now, until}
	}
	return err
}

// certificates are how many different values a key of the Secret has had.
func (w *world) certificates(key string) int {
	seen := map[string]bool{}
	for _, v := range w.versions[kindSecret] {
		if s, ok := v.object.(*corev1.Secret); ok && len(s.Data[key]) > 0 {
			seen[string(s.Data[key])] = true
		}
	}
	return len(seen)
}

// TestYearsOfRotation simulates replicas with clocks of their own, which see
// everything late, are started again now and then, and write at the same time.
func TestYearsOfRotation(t *testing.T) {
	const day = 24 * time.Hour
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, seed, 3)
			w.run(time.Hour)
			var turn func()
			turn = func() {
				m := w.replicas[w.random.IntN(len(w.replicas))]
				if w.random.IntN(2) == 0 {
					m.turnClock()
				} else {
					m.start()
				}
				w.later(w.upTo(10*day), turn)
			}
			turn()
			// Who starts just when there is something new has nothing else to serve.
			w.changed = func() { w.later(w.upTo(2*worstView), w.replicas[w.random.IntN(len(w.replicas))].start) }
			w.run(3 * 365 * day)
			ca, leaves := w.certificates(KeyCA), w.certificates(KeyLeaf)
			if ca < 5 || ca > 6 || leaves < 18 || leaves > 28 {
				t.Errorf("%d authorities, %d leaves", ca, leaves)
			}
			t.Logf("%d authorities, %d leaves, %d versions of the configuration", ca, leaves, len(w.versions[kindPods]))
		})
	}
}
