package grants

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// live are the pods of an election that the API server itself has. It is asked before
// anything is taken away: a replica whose view of the pods lags would otherwise take
// from a new pod what another replica has just given it, again and again.
func (t *term) live(ctx context.Context, e view.Election) ([]corev1.Pod, error) {
	var pods corev1.PodList
	err := t.Client.List(ctx, &pods, client.InNamespace(e.Namespace), client.HasLabels{injector.LabelElection})
	if err != nil {
		return nil, fmt.Errorf("list the pods of %s: %w", e, err)
	}
	return slices.DeleteFunc(pods.Items, func(pod corev1.Pod) bool {
		// The label's value can have been changed: what the sidecar was told counts.
		of, ok := view.ElectionOf(&pod)
		return !ok || of != e
	}), nil
}

// running are those of the pods that have not ended.
func running(pods []corev1.Pod) []corev1.Pod {
	return slices.DeleteFunc(pods, func(pod corev1.Pod) bool { return view.Ended(&pod) })
}

// keepUsed adds to the accounts that get rights those that have them and would lose
// them, although a pod of theirs runs that is not known here yet.
func (t *term) keepUsed(ctx context.Context, e view.Election, accounts []string) ([]string, error) {
	var bound rbacv1.RoleBinding
	if err := client.IgnoreNotFound(t.Cache.Get(ctx, rights.Key(e), &bound)); err != nil {
		return nil, fmt.Errorf("read RoleBinding %s: %w", rights.Key(e), err)
	}
	loses := func(s rbacv1.Subject) bool {
		return s.Kind == rbacv1.ServiceAccountKind && s.Namespace == e.Namespace && !slices.Contains(accounts, s.Name)
	}
	if !view.Ours(&bound) || !slices.ContainsFunc(bound.Subjects, loses) {
		return accounts, nil
	}
	pods, err := t.live(ctx, e)
	if err != nil {
		return nil, err
	}
	used := rights.Accounts(running(pods))
	for _, s := range bound.Subjects {
		if loses(s) && slices.Contains(used, s.Name) {
			accounts = append(accounts, s.Name)
		}
	}
	slices.Sort(accounts)
	return accounts, nil
}
