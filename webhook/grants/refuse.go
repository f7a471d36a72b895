package grants

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/webhook/event"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// Reason and action of the Event that tells a refusal.
const (
	// ReasonRefused says that a pod gets no rights, because an object of a needed
	// name is not ours.
	ReasonRefused = "GrantRefused"
	actionGrant   = "Grant"
)

// refuse tells the pods why they get no rights, and takes away those that the
// election had.
func (t *term) refuse(ctx context.Context, e view.Election, pods []corev1.Pod, foreign client.Object) error {
	var err error
	// Where the binding is not ours, our Role gives nobody anything. To remove it would
	// only bring us here again, to make it anew.
	if _, bound := foreign.(*rbacv1.RoleBinding); !bound {
		err = t.revoke(ctx, e)
	}
	t.Logger.WarnContext(ctx, "refused to grant rights", "election", e.String(), "kind", kindOf(foreign), "object", client.ObjectKeyFromObject(foreign).String())
	note := refusal(e, foreign)
	for i := range pods {
		t.Teller.Tell(ctx, event.Event{
			Regarding: event.Reference("v1", "Pod", &pods[i]),
			Related:   event.Reference(versionOf(foreign), kindOf(foreign), foreign),
			Type:      corev1.EventTypeWarning,
			Reason:    ReasonRefused,
			Action:    actionGrant,
			Note:      note,
			Occasion:  string(foreign.GetUID()) + event.Digest(note),
		})
	}
	return err
}

// refusal says why an election gets no rights, and the ways out.
func refusal(e view.Election, foreign client.Object) string {
	if endpoints, ok := foreign.(*unstructured.Unstructured); ok {
		return fmt.Sprintf("election %q gets no rights: %s", e.Name, rights.UnfitEndpoints(endpoints))
	}
	return fmt.Sprintf("election %q gets no rights: Leaseholder did not make %s %q; name another election, or hand it over with the label %s=%s",
		e.Name, kindOf(foreign), foreign.GetName(), view.LabelManagedBy, view.ManagedBy)
}

// revoke removes the rights of an election, of those that are ours.
func (t *term) revoke(ctx context.Context, e view.Election) error {
	return errors.Join(
		t.deleteCached(ctx, e, &rbacv1.RoleBinding{}),
		t.deleteCached(ctx, e, &rbacv1.Role{}),
	)
}

func (t *term) deleteCached(ctx context.Context, e view.Election, object client.Object) error {
	if err := t.Cache.Get(ctx, rights.Key(e), object); err != nil {
		return client.IgnoreNotFound(err)
	}
	if !view.Ours(object) {
		return nil
	}
	err := t.delete(ctx, object)
	if apierrors.IsConflict(err) {
		return nil // it was changed, of which an event tells
	}
	return err
}
