package roles

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// deletionCost is what the leader's pod costs; pods without the annotation cost
// 0. The value also tells ours from a user's, so that it is none that people
// choose: LEAD on the keys of a telephone.
const deletionCost = "5323"

// change is one pod's new role.
type change struct {
	pod   *corev1.Pod
	role  string
	token int64
	// setCost and removeCost say what becomes of the deletion cost.
	setCost, removeCost bool
	// news says that the change is one of leader, and not a repair.
	news bool
}

// plan is what has to be done for the record, in this order: the old leaders
// first. Nothing is planned, and it is behind, while a pod that would change
// knows a later term than the record, which is then an old view of the lock.
func plan(record lock.Record, pods []corev1.Pod) (changes []change, behind bool) {
	if record.Holder == "" && !record.Released() {
		// A new or cleared lock: a living leader takes it back at once, and until
		// somebody else does, the last leader is the best that is known.
		return nil, false
	}
	leader := leaderUID(record)
	var promotion *change
	for i := range pods {
		pod := &pods[i]
		c, needed := roleOf(pod, record, leader)
		switch {
		case !needed:
		case tokenOf(pod) > record.Token:
			return nil, true
		case c.role == injector.RoleLeader:
			promotion = &c
		default:
			changes = append(changes, c)
		}
	}
	if promotion != nil {
		changes = append(changes, *promotion)
	}
	return changes, false
}

// disbelieve forgets tokens of terms that have never been: somebody forged them,
// or they are from a Lease that was made anew with a smaller token.
func disbelieve(pods []corev1.Pod, token int64) {
	for i := range pods {
		if tokenOf(&pods[i]) > token {
			delete(pods[i].Annotations, injector.AnnotationToken)
		}
	}
}

// leaderUID is the UID of the pod that holds the lock; empty for no holder, and
// for one that is not ours.
func leaderUID(record lock.Record) string {
	if !record.Stamped() {
		return ""
	}
	id, _ := lock.ParseIdentity(record.Holder)
	return id.UID
}

// roleOf is what has to change on one pod, if anything has to.
func roleOf(pod *corev1.Pod, record lock.Record, leader string) (c change, needed bool) {
	was, known := pod.Labels[injector.LabelRole], tokenOf(pod)
	cost, hasCost := pod.Annotations[view.AnnotationDeletionCost]
	c = change{pod: pod, token: record.Token}
	if string(pod.UID) == leader {
		c.role = injector.RoleLeader
		c.setCost = !hasCost
		c.news = known != record.Token
		return c, was != c.role || c.news || c.setCost
	}
	c.role = injector.RoleStandby
	c.removeCost = was == injector.RoleLeader && hasCost && cost == deletionCost
	// A pod that led has recorded its term; one that somebody labelled has not.
	c.news = was == injector.RoleLeader && known > 0 && (known < record.Token || record.Released())
	return c, was != c.role
}

// tokenOf is the token that a pod's role was last changed for; 0 when there was
// none, or it can't be read.
func tokenOf(pod *corev1.Pod) int64 {
	token, err := strconv.ParseInt(pod.Annotations[injector.AnnotationToken], 10, 64)
	if err != nil {
		return 0
	}
	return token
}
