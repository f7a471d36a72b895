package certs

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
)

var secretKeys = []string{KeyCA, KeyCAKey, KeyLeaf, KeyLeafKey, KeyNextCA, KeyNextCAKey}

// spoil makes something else of a value: nothing, half of it, one with another
// letter, or one from elsewhere.
func (w *world) spoil(value, other []byte) []byte {
	switch w.random.IntN(4) {
	case 0:
		return nil
	case 1:
		return bytes.Clone(value[:len(value)/2])
	case 2:
		changed := bytes.Clone(value)
		if len(changed) > 0 {
			changed[w.random.IntN(len(changed))] ^= 1 << w.random.IntN(7)
		}
		return changed
	default:
		return bytes.Clone(other)
	}
}

// spoilSecret damages some of the Secret, restores an old one, or deletes it.
func (w *world) spoilSecret() {
	s, ok := w.last(kindSecret).(*corev1.Secret)
	if !ok {
		return
	}
	if w.random.IntN(8) == 0 {
		w.put(kindSecret, nil)
		return
	}
	old, ok := w.versions[kindSecret][w.random.IntN(len(w.versions[kindSecret]))].object.(*corev1.Secret)
	if ok && w.random.IntN(8) == 0 {
		w.put(kindSecret, old.DeepCopy())
		return
	}
	s = s.DeepCopy()
	if s.Data == nil {
		s.Data = map[string][]byte{}
	}
	for range 1 + w.random.IntN(3) {
		key, other := secretKeys[w.random.IntN(len(secretKeys))], s.Data[secretKeys[w.random.IntN(len(secretKeys))]]
		if ok && w.random.IntN(2) == 0 {
			other = old.Data[key]
		}
		s.Data[key] = w.spoil(s.Data[key], other)
	}
	if w.random.IntN(4) == 0 {
		s.Annotations = map[string]string{AnnotationPublished: w.now.Add(w.upTo(48*time.Hour) - 24*time.Hour).Format(time.RFC3339)}
	}
	w.put(kindSecret, s)
}

// spoilBundle damages that of one webhook.
func (w *world) spoilBundle() {
	kind := []int{kindPods, kindWorkloads}[w.random.IntN(2)]
	name, now := "c", []byte(nil)
	if pods, ok := w.last(kind).(*admissionregistrationv1.MutatingWebhookConfiguration); ok {
		h := &pods.Webhooks[w.random.IntN(len(pods.Webhooks))]
		name, now = h.Name, h.ClientConfig.CABundle
	}
	old := w.pods(w.random.IntN(len(w.versions[kindPods])))
	w.put(kind, withBundles(w.last(kind), map[string][]byte{name: w.spoil(now, old.Webhooks[0].ClientConfig.CABundle)}))
	w.harmed = w.now
}

// TestRandomDamageIsRepaired damages the Secret and the bundles again and again. A
// damaged Secret lets no API server distrust what is served at any time, and a damaged
// bundle only until it has been repaired.
func TestRandomDamageIsRepaired(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, seed, 3)
			w.run(time.Hour)
			const harms = 25
			for i := range harms {
				if i%3 == 2 {
					w.spoilBundle()
				} else {
					w.spoilSecret()
				}
				// Sometimes the next comes while this one is being repaired.
				w.run(w.upTo([]time.Duration{worstView, time.Hour, 100 * 24 * time.Hour}[w.random.IntN(3)]))
			}
			w.run(time.Hour)
			s, ok := w.last(kindSecret).(*corev1.Secret)
			if !ok {
				t.Fatal("there is no secret")
			}
			c := read(s.Data, s.Annotations, w.now, testNames)
			if c.ca == nil || c.leaf == nil {
				t.Fatal("the secret is not whole")
			}
			pods, others := w.pods(len(w.versions[kindPods])-1), w.workloads()
			if !trusted(slices.Concat(mutating(pods).bundles(), validating(others).bundles()), c.leaf.tls, w.now) {
				t.Error("not every bundle trusts the leaf")
			}
			for _, m := range w.replicas {
				if leaf, err := m.keeper.GetCertificate(nil); err != nil || !same(leaf, c.leaf.tls) {
					t.Errorf("replica %d serves another leaf, or none: %v", m.name, err)
				}
			}
			t.Logf("%d versions of the secret, %d authorities, %d versions of the configuration",
				len(w.versions[kindSecret]), w.certificates(KeyCA), len(w.versions[kindPods]))
		})
	}
}
