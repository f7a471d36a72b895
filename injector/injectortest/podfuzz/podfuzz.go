// Package podfuzz makes random pods for tests, of every field that the API has.
//
// Any makes pods of which nothing can be relied on, for code that must take
// whatever comes. Plausible makes pods most of whose fields an API server
// accepts, so that little has to be removed until it accepts all of them.
//
// The same bytes, and the same seed, always give the same pods. The injector's
// names, ports and annotations are in the dictionaries, so that they collide often.
package podfuzz

import (
	"encoding/json"
	"fmt"
	"math/rand"

	corev1 "k8s.io/api/core/v1"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/randfill"
	"sigs.k8s.io/randfill/bytesource"
)

const (
	// absent is the chance that a field that can be left out is.
	absent = 0.7
	// most is how many entries a list or a map has at most.
	most = 3
)

// Maker makes pods. It serves one goroutine.
type Maker struct {
	random *rand.Rand
	filler *randfill.Filler
	// wild makers put anything anywhere, one time in a few.
	wild bool
	// containers counts, so that names differ.
	containers int
}

// FromBytes gives a maker that is led by what a fuzzer found.
func FromBytes(data []byte) *Maker { return newMaker(bytesource.New(data)) }

// FromSeed gives a maker of a series of pods of its own.
func FromSeed(seed int64) *Maker { return newMaker(rand.NewSource(seed)) }

func newMaker(source rand.Source) *Maker {
	m := &Maker{random: rand.New(source)}
	m.filler = randfill.New().RandSource(source).NilChance(absent).NumElements(0, most).
		Funcs(metafuzzer.Funcs(serializer.CodecFactory{})...).
		Funcs(m.plain()...).Funcs(m.choices()...).Funcs(m.structs()...)
	return m
}

// Any makes a pod as JSON, with fields at every level that no API has yet.
func (m *Maker) Any() ([]byte, error) {
	m.wild = m.oneIn(2)
	pod := m.fill()
	// A pod without the most common faults gets further.
	if !m.oneIn(10) {
		pod.Spec.Containers = append(pod.Spec.Containers, m.container())
	}
	if !m.oneIn(6) {
		pod.Spec.HostNetwork, pod.Spec.OS = false, nil
	}
	m.annotate(pod)
	raw, err := json.Marshal(pod)
	if err != nil {
		return nil, fmt.Errorf("encode a random pod: %w", err)
	}
	return change(raw, m.sprinkle)
}

// Plausible makes a pod that an API server could accept but for a few of its fields.
// It has no annotation of ours.
func (m *Maker) Plausible() *corev1.Pod {
	m.wild = false
	pod := m.fill()
	m.tame(pod)
	return pod
}

func (m *Maker) fill() *corev1.Pod {
	m.containers = 0
	var pod corev1.Pod
	m.filler.Fill(&pod)
	return &pod
}

func (m *Maker) container() corev1.Container {
	var c corev1.Container
	m.filler.Fill(&c)
	return c
}

// oneIn is true one time in n.
func (m *Maker) oneIn(n int) bool { return m.random.Intn(n) == 0 }
