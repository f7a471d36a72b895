package roles

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/webhook/event"
)

// listener takes down the notes of Events.
type listener struct {
	client.Client

	notes *[]string
}

func (l listener) Create(_ context.Context, o client.Object, _ ...client.CreateOption) error {
	if e, ok := o.(*eventsv1.Event); ok {
		*l.notes = append(*l.notes, e.Regarding.Kind+": "+e.Reason+": "+e.Note)
	}
	return nil
}

// What a report says of a leader is not all that a lock would say.
func TestWhatIsToldWhenALeaderLeadsNoMore(t *testing.T) {
	const store = "gs://shop-locks/orders"
	reported := func(r lock.Record, address string) lock.Record {
		r.Reports = address
		return r
	}
	elector := lock.Record{Holder: "theirs-0", Token: 6}
	for name, c := range map[string]struct {
		record lock.Record
		want   []string
	}{
		"it released": {released("a", 5), []string{
			"Pod: LeadershipReleased: pod a has released the lead of election orders",
			"Lease: LeadershipReleased: pod a has released the lead of election orders",
		}},
		"it released, or was cut off from a lock elsewhere": {reported(released("a", 5), store), []string{
			"Pod: LeadershipReleased: pod a does not lead election orders any more: it let go, or lost sight of its lock",
			"Lease: LeadershipReleased: pod a does not lead election orders any more: it let go, or lost sight of its lock",
		}},
		"another pod leads": {held("b", 6), []string{
			"Pod: LeadershipLost: pod a leads election orders no more: b does",
		}},
		"another pod leads by a lock elsewhere": {reported(held("b", 6), store), []string{
			"Pod: LeadershipLost: pod a leads election orders no more: b does",
		}},
		"one of another cluster, of the same name": {
			reported(lock.Record{Holder: "a_theirs_1", Stamp: "a_theirs_1", Token: 6}, store),
			[]string{"Pod: LeadershipLost: pod a leads election orders no more: a pod of another cluster (a_theirs_1) does"},
		},
		"an elector of 2016": {reported(elector, "endpoints"), []string{
			"Pod: LeadershipLost: pod a leads election orders no more: theirs-0 does",
		}},
		"one that this cluster no longer has": {reported(held("gone", 6), "endpoints"), []string{
			"Pod: LeadershipLost: pod a leads election orders no more: gone does",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var notes []string
			control := New(Options{Teller: event.Teller{Client: listener{notes: &notes}, Instance: "test", Logger: slog.Default()}})
			pods := []corev1.Pod{pod("a", injector.RoleLeader, 5, ""), pod("b", injector.RoleStandby, 0, "")}
			l := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders"}}
			control.tell(t.Context(), l, c.record, pods, change{pod: &pods[0], role: injector.RoleStandby, news: true})
			if !slices.Equal(notes, c.want) {
				t.Errorf("told %q, want %q", notes, c.want)
			}
		})
	}
}
