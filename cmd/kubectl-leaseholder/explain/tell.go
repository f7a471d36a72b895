package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// report collects lines.
type report struct {
	*snapshot

	now  time.Time
	text strings.Builder
}

// maxEvents is how many Events are shown, the latest.
const maxEvents = 5

// tell is the whole answer.
func tell(s *snapshot, now time.Time) string {
	r := &report{snapshot: s, now: now}
	fmt.Fprintf(&r.text, "Pod %s in namespace %s\n", s.pod.Name, s.pod.Namespace)
	r.section("Injection")
	r.injection()
	if s.election != "" {
		r.section("Sidecar")
		r.sidecar()
		r.section("Lead")
		if !view.Ended(r.pod) { // rights that no pod needs are taken away
			r.rights()
			r.held()
		}
		r.lead()
	}
	r.section("Events of Leaseholder on this pod")
	r.recent()
	return r.text.String()
}

func (r *report) section(name string) { fmt.Fprintf(&r.text, "\n%s\n", name) }

// factf tells something that is as it can be.
func (r *report) factf(format string, args ...any) {
	fmt.Fprintf(&r.text, "  - %s.\n", fmt.Sprintf(format, args...))
}

// wrongf tells something that is not, with what to do next.
func (r *report) wrongf(next, format string, args ...any) {
	fmt.Fprintf(&r.text, "  ! %s.\n    Next: %s.\n", fmt.Sprintf(format, args...), next)
}

// unread says what could not be read.
func (r *report) unread(what string, err error) {
	if apierrors.IsForbidden(err) {
		r.factf("You may not read %s, so nothing is said about it", what)
		return
	}
	r.factf("Reading %s failed: %v", what, err)
}

// ago compares another machine's clock with this one.
func (r *report) ago(then time.Time) string {
	if then.IsZero() {
		return "at an unknown time"
	}
	return duration.HumanDuration(max(0, r.now.Sub(then))) + " ago"
}

func (r *report) recent() {
	if r.events.err != nil {
		r.unread("events", r.events.err)
		return
	}
	events := *r.events.value
	slices.SortStableFunc(events, func(a, b corev1.Event) int { return when(&b).Compare(when(&a)) })
	if len(events) == 0 {
		r.factf("None. The API server keeps events for an hour, unless it is told otherwise")
	}
	for i := range events[:min(len(events), maxEvents)] {
		r.factf("%s, %s: %s", r.ago(when(&events[i])), events[i].Reason, strings.TrimSuffix(events[i].Message, "."))
	}
}

func when(e *corev1.Event) time.Time {
	if !e.EventTime.IsZero() {
		return e.EventTime.Time
	}
	return e.LastTimestamp.Time
}

// ended says that nothing more can be expected of the pod.
func ended(pod *corev1.Pod) bool { return pod.DeletionTimestamp != nil || view.Ended(pod) }
