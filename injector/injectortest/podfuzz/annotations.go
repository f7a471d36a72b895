package podfuzz

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// The injector's own names, which its tests compare: it can't be imported where
// its tests import this package.
const (
	prefix   = "leaseholder.dev/"
	inject   = prefix + "inject"
	election = prefix + "election"
	lock     = prefix + "lock"
	secret   = prefix + "lock-secret"
)

// Keys are the annotations of which pods are made, sorted.
func Keys() []string { return slices.Sorted(maps.Keys(right)) }

// right are values that an annotation can have.
var right = map[string][]string{
	prefix + "inject":         {"true"},
	prefix + "election":       {"orders", "a", "0", "deployment-orders"},
	prefix + "standby":        {"ready", "unready"},
	prefix + "lease-duration": {"15s", "20s", "1m", "1h"},
	prefix + "renew-deadline": {"10s", "9500ms", "14s"},
	prefix + "retry-period":   {"2s", "1s", "1500ms"},
	prefix + "lock":           {"lease", "endpoints", "gs://locks/orders", "azblob://account/locks/orders", "s3://locks/a/b"},
	prefix + "lock-secret":    {"orders", "a.b", "0"},
	prefix + "port":           {"4040", "5050", "8080"},
	prefix + "probe-port":     {"4041", "5051", "30000"},
	prefix + "priority":       {"0", "-1", "2147483647"},
	prefix + "cpu-request":    {"10m", "0.001", "1"},
	prefix + "cpu-limit":      {"100m", "1", "2000m"},
	prefix + "memory-request": {"16Mi", "1", "1e6"},
	prefix + "memory-limit":   {"32Mi", "1Gi", "1.5G"},
	prefix + "log-level":      {"debug", "info", "warn", "error"},
}

// wrong are values that hardly any can have.
var wrong = []string{
	"", " ", "false", "True", "-1", "0", "65536", "1e10000000", "1e99", "-0", "٣", "\x00", "\n", "15", "0s", "1e9h", "NaN", "+4040",
	"ORDERS", "a.b", "a b", "leader", "orders\n", "0x10", "1_000", "9223372036854775808", "100000000000000000000000000000000",
}

// unknownKeys are keys that no annotation of ours has, but could.
var unknownKeys = []string{"Inject", "injects", "token", "locks", "leaseholder", "a_b.c"}

// annotate adds annotations of ours, or else none.
func (m *Maker) annotate(pod *corev1.Pod) {
	if m.oneIn(6) {
		return
	}
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	maps.Copy(pod.Annotations, m.Annotations())
	if m.oneIn(8) {
		delete(pod.Annotations, inject)
	}
	if m.oneIn(50) {
		pod.Annotations[corev1.MirrorPodAnnotationKey] = ""
	}
}

// Annotations gives annotations of ours that ask for the sidecar. In most cases, each
// of them has a value that it can have.
func (m *Maker) Annotations() map[string]string {
	all := map[string]string{inject: "true"}
	if !m.oneIn(5) {
		all[election] = m.right(election)
	}
	keys := Keys()
	for range m.random.Intn(most + 1) {
		key := keys[m.random.Intn(len(keys))]
		all[key] = m.right(key)
	}
	if _, credentials := all[secret]; credentials && !m.oneIn(6) {
		all[lock] = "gs://locks/orders" // one that has a use for them
	}
	if m.oneIn(4) {
		all[keys[m.random.Intn(len(keys))]] = wrong[m.random.Intn(len(wrong))]
	}
	if m.oneIn(12) {
		all[prefix+unknownKeys[m.random.Intn(len(unknownKeys))]] = wrong[m.random.Intn(len(wrong))]
	}
	return all
}

func (m *Maker) right(key string) string { return right[key][m.random.Intn(len(right[key]))] }
