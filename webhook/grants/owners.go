package grants

import (
	"context"
	"fmt"
	"slices"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/webhook/event"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/loop"
	"github.com/leaseholder-dev/leaseholder/webhook/ownership"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// keepRecord brings the record of whose an election is, and where its lock, up to date.
// It is behind where the Lease names a lock that was not looked for among the pods.
func (t *term) keepRecord(ctx context.Context, found *coordinationv1.Lease, at place, members []ownership.Member) (ownership.Record, error) {
	record := ownership.Of(found)
	next := record.Next(members)
	recorded := rights.LockOf(found)
	if recorded != at.lock && recorded != at.seen {
		return record, fmt.Errorf("the lock of %s has changed: %w", client.ObjectKeyFromObject(found), loop.ErrBehind)
	}
	if next == record && recorded == at.lock {
		return record, nil
	}
	changed := found.DeepCopy()
	next.Write(&changed.ObjectMeta)
	rights.WriteLock(&changed.ObjectMeta, at.lock)
	// Another replica, with another view of the pods, may do the same: the patch
	// names the version that this was decided on.
	err := t.Client.Patch(ctx, changed, client.MergeFromWithOptions(found, client.MergeFromWithOptimisticLock{}))
	switch {
	case apierrors.IsConflict(err):
		return record, fmt.Errorf("record whose Lease %s is: %w", client.ObjectKeyFromObject(found), loop.ErrBehind)
	case err != nil:
		return record, fmt.Errorf("record whose Lease %s is: %w", client.ObjectKeyFromObject(found), err)
	}
	t.Logger.InfoContext(ctx, "recorded whose an election is", "election", client.ObjectKeyFromObject(found).String(), "record", changed.Annotations[ownership.Annotation], "lock", at.lock.String())
	return next, nil
}

// stranger is a pod in an election of others.
type stranger struct {
	pod     *corev1.Pod
	refusal *ownership.Refusal
}

// strangersOf finds the pods that admission let into an election of others, because
// it did not know yet whose it is.
func strangersOf(record ownership.Record, pods []corev1.Pod, members []ownership.Member) []stranger {
	var strangers []stranger
	for i, m := range members {
		if refusal, refused := record.Refuses(m, members); refused {
			strangers = append(strangers, stranger{&pods[i], refusal})
		}
	}
	return strangers
}

// entitled are the accounts that get rights: all but those that only strangers use.
// Of these, whoever has the rights keeps them, for what tells a stranger can change
// while its pod runs: a pod that is released by its ReplicaSet, for one, seems to
// have no workload any more.
func (t *term) entitled(ctx context.Context, e view.Election, pods []corev1.Pod, strangers []stranger) ([]string, error) {
	if len(strangers) == 0 {
		return rights.Accounts(pods), nil
	}
	var bound rbacv1.RoleBinding
	if err := client.IgnoreNotFound(t.Cache.Get(ctx, rights.Key(e), &bound)); err != nil {
		return nil, fmt.Errorf("read RoleBinding %s: %w", rights.Key(e), err)
	}
	keeps := map[string]bool{}
	if view.Ours(&bound) {
		for _, subject := range bound.Subjects {
			keeps[subject.Name] = true
		}
	}
	var of []corev1.Pod
	for i := range pods {
		if keeps[rights.Account(&pods[i])] || !isStranger(&pods[i], strangers) {
			of = append(of, pods[i])
		}
	}
	return rights.Accounts(of), nil
}

func isStranger(pod *corev1.Pod, strangers []stranger) bool {
	return slices.ContainsFunc(strangers, func(s stranger) bool { return s.pod == pod })
}

// tellStrangers tells pods that they stand in an election of others, and whether
// they have rights to it all the same.
func (t *term) tellStrangers(ctx context.Context, e view.Election, strangers []stranger, entitled []string) {
	for _, s := range strangers {
		may := "it gets no rights"
		account := rights.Account(s.pod)
		if slices.Contains(entitled, account) {
			may = fmt.Sprintf("it has rights only because service account %q has them", account)
		}
		note := may + ": " + s.refusal.Tell(e.Namespace, e.Name)
		t.Logger.WarnContext(ctx, "a pod stands in an election of others", "election", e.String(), "pod", s.pod.Name, "owner", s.refusal.Owner)
		t.Teller.Tell(ctx, event.Event{
			Regarding: event.Reference("v1", "Pod", s.pod),
			Related:   leaseReference(e),
			Type:      corev1.EventTypeWarning,
			Reason:    string(ownership.Reason),
			Action:    actionGrant,
			Note:      note,
			Occasion:  note,
		})
	}
}
