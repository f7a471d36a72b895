package handover

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// memory is what was seen of one election.
type memory struct {
	// leader is the pod that led when better was written.
	leader types.UID
	// better is since when, without interruption, a ready pod has had a higher
	// priority than the leader's. While the lock is free, nothing is added.
	better map[types.UID]time.Time
	// request is the last that was seen in the Lease, whoever wrote it, and asked
	// when it was first seen.
	request string
	asked   time.Time
	// chosen is the pod that was last to be given the lead, until it is known what
	// came of that.
	chosen *chosen
	// failures are of pods by their names, which outlive them: a StatefulSet's pod
	// that ends again and again is another each time.
	failures map[string]failure
}

func newMemory() *memory {
	return &memory{better: map[types.UID]time.Time{}, failures: map[string]failure{}}
}

// chosen is a pod that a leader was asked to hand over to.
type chosen struct {
	name string
	uid  types.UID
	// holder was asked, at that time.
	holder string
	asked  time.Time
	// led is when the pod was first seen to lead, zero before.
	led time.Time
}

// failure is how often the lead was given to a pod that did not take or keep it,
// and when that was last seen.
type failure struct {
	times int
	at    time.Time
}

// window is what a pod's window has grown to.
func (f failure) window(window, longest time.Duration) time.Duration {
	for i := 0; i < f.times && window < longest; i++ {
		window *= 2
	}
	return min(window, longest)
}

// see takes note of how things stand. A leader of nil is one of whom nothing is
// known, or none.
func (m *memory) see(record lock.Record, leader *corev1.Pod, pods []corev1.Pod, now time.Time) {
	if record.StepDown != "" && record.StepDown == record.Holder && record.StepDown != m.request {
		m.request, m.asked = record.StepDown, now
	}
	m.compare(record, leader, pods, now)
	m.judge(record, now)
	_, longest := windows(record)
	for name, f := range m.failures {
		// Its window has long passed, and it was not tried again.
		if now.Sub(f.at) >= 2*longest {
			delete(m.failures, name)
		}
	}
}

// compare brings better up to date.
func (m *memory) compare(record lock.Record, leader *corev1.Pod, pods []corev1.Pod, now time.Time) {
	before, free := m.better, record.Holder == ""
	m.better = map[types.UID]time.Time{}
	switch {
	case free:
	case leader == nil:
		m.leader = ""
		return
	case leader.UID != m.leader:
		m.leader, before = leader.UID, nil
	}
	for i := range pods {
		pod := &pods[i]
		if !view.Ready(pod) || !free && priority(pod) <= priority(leader) {
			continue
		}
		if since, known := before[pod.UID]; known {
			m.better[pod.UID] = since
		} else if !free {
			m.better[pod.UID] = now
		}
	}
}

// judge says what came of the last hand-over, once that is known.
func (m *memory) judge(record lock.Record, now time.Time) {
	c := m.chosen
	if c == nil {
		return
	}
	id, _ := lock.ParseIdentity(record.Holder)
	leads := types.UID(id.UID) == c.uid
	if leads && c.led.IsZero() {
		c.led = now
	}
	window, longest := windows(record)
	undecided := record.Holder == "" || record.Holder == c.holder && c.led.IsZero()
	switch {
	case !c.led.IsZero() && now.Sub(c.led) >= longest:
		m.chosen = nil
		delete(m.failures, c.name)
	case leads:
	case undecided && (!c.led.IsZero() || now.Sub(c.asked) < window):
	default:
		m.chosen = nil
		m.failures[c.name] = failure{times: m.failures[c.name].times + 1, at: now}
	}
}

// interrupt takes note that a pod is not ready, if only for a moment.
func (m *memory) interrupt(uid types.UID) { delete(m.better, uid) }

// gave takes note that an order was given to the record's holder.
func (m *memory) gave(o *order, record lock.Record, now time.Time) {
	m.request, m.asked = record.Holder, now
	m.chosen = &chosen{name: o.to.Name, uid: o.to.UID, holder: record.Holder, asked: now}
}

// idle says whether nothing is remembered that must outlive the pods that have
// other priorities than the rest.
func (m *memory) idle() bool { return m.chosen == nil && len(m.failures) == 0 }
