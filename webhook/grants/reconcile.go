package grants

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/ownership"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// reconcile brings one election's objects into order.
func (t *term) reconcile(ctx context.Context, e view.Election) (again time.Duration, err error) {
	came := t.takeCame(e)
	all, err := view.Pods(ctx, t.Cache, e)
	if err != nil {
		t.putBack(e, came)
		return 0, err
	}
	pods := running(all)
	if len(pods) == 0 {
		return t.removeUnused(ctx, e)
	}
	t.setUsed(e)

	granted, foreign, err := t.grant(ctx, e, pods)
	if granted && !came.IsZero() {
		t.Waits.observe(time.Since(came))
	}
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return 0, nil // the pods go with their namespace
	case err != nil:
		t.putBack(e, came)
		return 0, err
	case foreign != nil:
		return recheck, t.refuse(ctx, e, pods, foreign)
	}
	return 0, nil
}

// grant makes or repairs the Lease, and the Endpoints if they are the lock, then the
// rights to them. It stops at an object of one of their names that is not ours, and
// gives that back. Granted is an election in which an account has rights now that had
// none.
func (t *term) grant(ctx context.Context, e view.Election, pods []corev1.Pod) (granted bool, foreign client.Object, err error) {
	members := ownership.MembersOf(pods, e.Name)
	at, err := t.lockOf(ctx, e, pods)
	if err != nil {
		return false, nil, err
	}
	record, foreign, err := t.ensureLease(ctx, e, at, members)
	if foreign != nil || err != nil {
		return false, foreign, err
	}
	if at.lock.Scheme == config.LockEndpoints {
		if foreign, err = t.ensureEndpoints(ctx, e); foreign != nil || err != nil {
			return false, foreign, err
		}
	}
	strangers := strangersOf(record, pods, members)
	accounts, err := t.entitled(ctx, e, pods, strangers)
	if err != nil {
		return false, nil, err
	}
	if accounts, err = t.keepUsed(ctx, e, accounts); err != nil {
		return false, nil, err
	}
	if granted, foreign, err = t.giveRights(ctx, e, at.lock, accounts); foreign != nil || err != nil {
		return false, foreign, err
	}
	t.tellStrangers(ctx, e, strangers, accounts)
	t.tellOtherLocks(ctx, e, at, pods)
	return granted, nil, nil
}

// giveRights makes or repairs the Role and its RoleBinding.
func (t *term) giveRights(ctx context.Context, e view.Election, lock config.LockAddress, accounts []string) (granted bool, foreign client.Object, err error) {
	role := rights.Role(e, lock)
	if foreign, err = ensure(ctx, t, role, &rbacv1.Role{}, func(r *rbacv1.Role) bool {
		relabelled := restoreLabels(&r.ObjectMeta, &role.ObjectMeta)
		if equality.Semantic.DeepEqual(r.Rules, role.Rules) {
			return relabelled
		}
		r.Rules = role.Rules
		return true
	}); foreign != nil || err != nil {
		return false, foreign, err
	}

	binding := rights.RoleBinding(e, accounts)
	if deleted, err := t.deleteMisdirected(ctx, binding); deleted || err != nil {
		return false, nil, err // the cache learns it in a moment, and the event brings us here again
	}
	added := false
	foreign, err = ensure(ctx, t, binding, &rbacv1.RoleBinding{}, func(b *rbacv1.RoleBinding) bool {
		if b.RoleRef != binding.RoleRef {
			return false // to be deleted, once the cache shows it
		}
		relabelled := restoreLabels(&b.ObjectMeta, &binding.ObjectMeta)
		if equality.Semantic.DeepEqual(b.Subjects, binding.Subjects) {
			return relabelled
		}
		added = slices.ContainsFunc(binding.Subjects, func(s rbacv1.Subject) bool { return !slices.Contains(b.Subjects, s) })
		b.Subjects = binding.Subjects
		return true
	})
	return added || binding.UID != "", foreign, err
}

// ensure makes want, or lets repair change what there is; got is an empty
// object of the same kind. An object of that name that is not ours is given
// back untouched.
func ensure[T client.Object](ctx context.Context, t *term, want, got T, repair func(got T) bool) (foreign client.Object, err error) {
	key := client.ObjectKeyFromObject(want)
	err = t.Cache.Get(ctx, key, got)
	if apierrors.IsNotFound(err) {
		err = t.Client.Create(ctx, want)
		if err == nil {
			t.Logger.DebugContext(ctx, "made", "kind", kindOf(want), "object", key.String())
			return nil, nil
		}
		if !apierrors.IsAlreadyExists(err) {
			return nil, fmt.Errorf("make %s %s: %w", kindOf(want), key, err)
		}
		// It is either not ours, or so new that the cache does not know it.
		err = t.Client.Get(ctx, key, got)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s %s: %w", kindOf(want), key, err)
	case !view.Ours(got):
		return got, nil
	case !repair(got):
		return nil, nil
	}
	// The update names the version that was read: what somebody else has changed
	// meanwhile is looked at first.
	if err := t.Client.Update(ctx, got); err != nil {
		return nil, fmt.Errorf("repair %s %s: %w", kindOf(want), key, err)
	}
	t.Logger.InfoContext(ctx, "repaired", "kind", kindOf(want), "object", key.String())
	return nil, nil
}

// deleteMisdirected deletes our RoleBinding if somebody has made it anew for
// another role, since a binding's role can't be changed.
func (t *term) deleteMisdirected(ctx context.Context, want *rbacv1.RoleBinding) (deleted bool, err error) {
	var got rbacv1.RoleBinding
	err = t.Cache.Get(ctx, client.ObjectKeyFromObject(want), &got)
	if apierrors.IsNotFound(err) || err == nil && got.RoleRef == want.RoleRef {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read RoleBinding %s: %w", client.ObjectKeyFromObject(want), err)
	}
	return true, t.delete(ctx, &got)
}

// delete deletes an object if it is still the one that was read.
func (t *term) delete(ctx context.Context, object client.Object) error {
	uid, version := object.GetUID(), object.GetResourceVersion()
	err := t.Client.Delete(ctx, object, client.Preconditions{UID: &uid, ResourceVersion: &version})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete %s %s: %w", kindOf(object), client.ObjectKeyFromObject(object), err)
	}
	t.Logger.InfoContext(ctx, "removed", "kind", kindOf(object), "object", client.ObjectKeyFromObject(object).String())
	return nil
}
