package roles

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// pod is a pod of the given role; token 0 is none, cost "" is none.
func pod(uid, role string, token int64, cost string) corev1.Pod {
	p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: uid, UID: types.UID(uid), Annotations: map[string]string{},
		Labels: map[string]string{injector.LabelRole: role},
	}}
	if token > 0 {
		p.Annotations[injector.AnnotationToken] = strconv.FormatInt(token, 10)
	}
	if cost != "" {
		p.Annotations[view.AnnotationDeletionCost] = cost
	}
	return p
}

// held is a lock that the pod holds, released one that it has let go.
func held(uid string, token int64) lock.Record {
	holder := lock.Identity{Pod: uid, UID: uid, Start: "1"}.String()
	return lock.Record{Holder: holder, Stamp: holder, Token: token}
}

func released(uid string, token int64) lock.Record {
	holder := lock.Identity{Pod: uid, UID: uid, Start: "1"}.String()
	renewed := time.Unix(1000, 0)
	return lock.Record{Mark: lock.ReleaseMark(holder, renewed), Renewed: renewed, Token: token}
}

func TestPlan(t *testing.T) {
	const leader, standby = injector.RoleLeader, injector.RoleStandby
	for name, c := range map[string]struct {
		record lock.Record
		pods   []corev1.Pod
		want   []string
		behind bool
	}{
		"the first leader": {
			held("b", 5),
			[]corev1.Pod{pod("a", standby, 0, ""), pod("b", standby, 0, "")},
			[]string{"b leader 5 +cost news"},
			false,
		},
		"the old leader goes first, wherever it stands": {
			held("a", 6),
			[]corev1.Pod{pod("a", standby, 0, ""), pod("b", leader, 5, deletionCost)},
			[]string{"b standby 6 -cost news", "a leader 6 +cost news"},
			false,
		},
		"nothing to do": {
			held("b", 5),
			[]corev1.Pod{pod("a", standby, 4, ""), pod("b", leader, 5, deletionCost)},
			nil,
			false,
		},
		"a release": {
			released("b", 5),
			[]corev1.Pod{pod("a", standby, 0, ""), pod("b", leader, 5, deletionCost)},
			[]string{"b standby 5 -cost news"},
			false,
		},
		"a cleared lock changes nothing": {
			lock.Record{Token: 5},
			[]corev1.Pod{pod("b", leader, 5, deletionCost)},
			nil,
			false,
		},
		"the same pod leads another term": {
			held("b", 6),
			[]corev1.Pod{pod("b", leader, 5, deletionCost)},
			[]string{"b leader 6 news"},
			false,
		},
		"a holder that one of ours did not write": {
			lock.Record{Holder: held("a", 0).Holder, Token: 5},
			[]corev1.Pod{pod("a", standby, 0, ""), pod("b", leader, 4, deletionCost)},
			[]string{"b standby 5 -cost news"},
			false,
		},
		"an old view of the lock is no reason for anything": {
			held("a", 4),
			[]corev1.Pod{pod("a", standby, 0, ""), pod("b", leader, 5, deletionCost)},
			nil,
			true,
		},
		"a smaller token does not promote": {
			held("a", 4),
			[]corev1.Pod{pod("a", standby, 5, "")},
			nil,
			true,
		},
		"a user's deletion cost stays": {
			held("a", 6),
			[]corev1.Pod{pod("a", standby, 0, "-7"), pod("b", leader, 5, "8")},
			[]string{"b standby 6 news", "a leader 6 news"},
			false,
		},
		"a label set by hand is put right, and is no news": {
			held("a", 5),
			[]corev1.Pod{pod("a", leader, 5, deletionCost), pod("b", leader, 0, ""), pod("c", "boss", 0, "")},
			[]string{"b standby 5", "c standby 5"},
			false,
		},
		"the leader's label is put back, and is no news": {
			held("a", 5),
			[]corev1.Pod{pod("a", standby, 5, deletionCost)},
			[]string{"a leader 5"},
			false,
		},
		"a leader outside the cluster": {
			held("x", 6),
			[]corev1.Pod{pod("b", leader, 5, deletionCost)},
			[]string{"b standby 6 -cost news"},
			false,
		},
		"an unreadable token counts as none": {
			held("a", 5),
			[]corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "a", Annotations: map[string]string{injector.AnnotationToken: "?"}}}},
			[]string{"a leader 5 +cost news"},
			false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			changes, behind := plan(c.record, c.pods)
			if behind != c.behind {
				t.Errorf("behind: %v", behind)
			}
			for _, change := range changes {
				s := fmt.Sprintf("%s %s %d", change.pod.Name, change.role, change.token)
				if change.setCost {
					s += " +cost"
				}
				if change.removeCost {
					s += " -cost"
				}
				if change.news {
					s += " news"
				}
				got = append(got, s)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
