package grants

import (
	"context"
	"fmt"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/endpoints"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/kube"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// ensureEndpoints makes the Endpoints of an election whose lock they are, if there are
// none. They are not marked as free, as a Lease can be: an elector of 2016, of which no
// pod tells, may have led before.
func (t *term) ensureEndpoints(ctx context.Context, e view.Election) (foreign client.Object, err error) {
	key := rights.LeaseKey(e)
	found := view.EndpointsMetadata()
	err = t.Cache.Get(ctx, key, found)
	switch {
	case apierrors.IsNotFound(err):
		made := rights.Endpoints(e)
		if err = t.Client.Create(ctx, made); err == nil {
			t.Logger.DebugContext(ctx, "made", "kind", kindOf(made), "object", key.String())
			return nil, nil
		}
		if !apierrors.IsAlreadyExists(err) {
			return nil, fmt.Errorf("make Endpoints %s: %w", key, err)
		}
	case err != nil:
		return nil, fmt.Errorf("read Endpoints %s: %w", key, err)
	default:
		if granted, err := t.granted(ctx, e); err != nil {
			return nil, err
		} else if granted {
			return nil, t.keepRecorded(ctx, found)
		}
	}
	// Before rights are given, they are read as a whole: what is a Service's is no lock,
	// whatever its labels say.
	whole := &unstructured.Unstructured{}
	whole.SetGroupVersionKind(view.EndpointsKind())
	if err := t.Client.Get(ctx, key, whole); err != nil {
		return nil, fmt.Errorf("read Endpoints %s: %w", key, err)
	}
	if rights.UnfitEndpoints(whole) != "" {
		return whole, nil
	}
	return nil, nil
}

// granted says whether our Role gives the Endpoints of an election already. A Role that
// was just made, the cache may not know.
func (t *term) granted(ctx context.Context, e view.Election) (bool, error) {
	var role rbacv1.Role
	err := t.Cache.Get(ctx, rights.Key(e), &role)
	if apierrors.IsNotFound(err) {
		err = t.Client.Get(ctx, rights.Key(e), &role)
	}
	if client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("read Role %s: %w", rights.Key(e), err)
	}
	gives := func(r rbacv1.PolicyRule) bool { return slices.Contains(r.Resources, "endpoints") }
	return view.Ours(&role) && slices.ContainsFunc(role.Rules, gives), nil
}

// keepRecorded puts an empty record where somebody has taken the annotation away, so
// that Kubernetes goes on leaving the object alone. A record that a candidate has
// written meanwhile is not touched.
func (t *term) keepRecorded(ctx context.Context, found *metav1.PartialObjectMetadata) error {
	if rights.Recorded(found) {
		return nil
	}
	changed := found.DeepCopy()
	endpoints.Unheld(&changed.ObjectMeta)
	err := t.Client.Patch(ctx, changed, client.MergeFromWithOptions(found, client.MergeFromWithOptimisticLock{}))
	if client.IgnoreNotFound(err) != nil && !apierrors.IsConflict(err) {
		return fmt.Errorf("repair Endpoints %s: %w", client.ObjectKeyFromObject(found), err)
	}
	return nil
}

// endpointsKeys names the election of Endpoints that came, went, were relabelled or lost
// their annotation, and of none that were only renewed.
func endpointsKeys(before, after client.Object) []view.Election {
	if before != nil && after != nil && sameLabels(before, after) && rights.Recorded(before) == rights.Recorded(after) {
		return nil
	}
	return nameKeys(before, after)
}

// heldEndpoints says whether somebody without a pod seems to hold the Endpoints, such as
// an elector of 2016 that has not been replaced yet. Nobody holds what can't be read.
func heldEndpoints(o metav1.Object, within time.Duration) bool {
	record, err := endpoints.Decode(o.GetAnnotations())
	return err == nil && record.Holder != "" && time.Since(record.Renewed) < within
}

// endpointsToken is the fencing token of the last term; zero for none.
func endpointsToken(o metav1.Object) int64 { return kube.Annotated(o.GetAnnotations()).Token }

// leaseReference refers to the Lease of an election, read or not.
func leaseReference(e view.Election) corev1.ObjectReference {
	return corev1.ObjectReference{APIVersion: coordinationv1.SchemeGroupVersion.String(), Kind: "Lease", Namespace: e.Namespace, Name: e.Name}
}
