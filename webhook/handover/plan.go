package handover

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

const (
	// minWindow is how long a better candidate has to be ready before it is given
	// the lead, unless the Lease lasts longer.
	minWindow = 30 * time.Second
	// maxWindow bounds to what a failed candidate's window grows. A failure is
	// forgotten when the candidate has led for as long, or has not been tried again
	// for twice as long.
	maxWindow = 10 * time.Minute
)

// windows gives an election's window, and the longest to which one grows.
func windows(record lock.Record) (window, longest time.Duration) {
	window = max(minWindow, record.Duration)
	return window, max(maxWindow, window)
}

// order is one hand-over.
type order struct {
	// from leads, and to is to lead next.
	from, to *corev1.Pod
	// after is how long to has been the better choice.
	after time.Duration
}

// plan says what to do now: an order, or none, and after how long to plan again
// if nothing happens; zero is never. All pods of the election are given.
func (m *memory) plan(record lock.Record, pods []corev1.Pod, now time.Time) (o *order, again time.Duration) {
	leader := leaderOf(record, pods)
	m.see(record, leader, pods, now)
	if leader == nil || leader.DeletionTimestamp != nil || view.Ended(leader) {
		return nil, 0
	}
	var best *corev1.Pod
	for i := range pods {
		pod := &pods[i]
		if _, better := m.better[pod.UID]; !better {
			continue
		}
		switch wait := m.due(record, pod).Sub(now); {
		case wait <= 0:
			if best == nil || m.first(pod, best) {
				best = pod
			}
		case again == 0 || wait < again:
			again = wait
		}
	}
	if best == nil {
		return nil, again
	}
	return &order{from: leader, to: best, after: now.Sub(m.better[best.UID])}, 0
}

// due is when a better candidate may be given the lead.
func (m *memory) due(record lock.Record, pod *corev1.Pod) time.Time {
	window, longest := windows(record)
	failed := m.failures[pod.Name]
	own := latest(m.better[pod.UID], failed.at).Add(failed.window(window, longest))
	return latest(own, m.asked.Add(window))
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// first says whether of two candidates that may be given the lead, a is to have
// it: by priority, and then by how long it has been the better choice.
func (m *memory) first(a, b *corev1.Pod) bool {
	return cmp.Or(
		cmp.Compare(priority(b), priority(a)),
		m.better[a.UID].Compare(m.better[b.UID]),
		cmp.Compare(a.Name, b.Name),
	) < 0
}

// leaderOf is the pod that holds the lock; nil when there is none among pods, or
// the holder is not ours.
func leaderOf(record lock.Record, pods []corev1.Pod) *corev1.Pod {
	id, ok := lock.ParseIdentity(record.Holder)
	if !ok || !record.Stamped() {
		return nil
	}
	at := slices.IndexFunc(pods, func(p corev1.Pod) bool { return p.UID == types.UID(id.UID) })
	if at < 0 {
		return nil
	}
	return &pods[at]
}

// equal says whether all pods have the same priority.
func equal(pods []corev1.Pod) bool {
	return !slices.ContainsFunc(pods, func(p corev1.Pod) bool { return priority(&p) != priority(&pods[0]) })
}

// priority is the default where somebody has made it unreadable since admission.
func priority(pod *corev1.Pod) int32 {
	p, _ := injector.Priority(pod)
	return p
}
