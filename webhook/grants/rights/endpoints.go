package rights

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/endpoints"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// labelService is on Endpoints that Kubernetes fills for a Service.
const labelService = "endpoints.kubernetes.io/managed-by"

// Endpoints is the lock of an election with "lock: endpoints", unheld and unmarked, as
// Lease is. A service's traffic is never led by it: it has no addresses.
func Endpoints(e view.Election) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(view.EndpointsKind())
	m := meta(e, LeaseKey(e))
	endpoints.Unheld(&m)
	o.SetNamespace(m.Namespace)
	o.SetName(m.Name)
	o.SetLabels(m.Labels)
	o.SetAnnotations(m.Annotations)
	return o
}

// Applicable is Endpoints for an administrator to apply, also while somebody holds them:
// without a record, which to apply would take the lead from its holder. Until the first
// candidate writes one, kube-controller-manager deletes them when it is started.
func Applicable(e view.Election) *unstructured.Unstructured {
	o := Endpoints(e)
	o.SetAnnotations(nil)
	return o
}

// Applied says whether Endpoints are those that an administrator has applied.
func Applied(o *unstructured.Unstructured) bool {
	subsets, _, _ := unstructured.NestedSlice(o.Object, "subsets")
	return len(subsets) == 0 && view.Ours(o) && o.GetLabels()[injector.LabelElection] == o.GetName()
}

// Recorded says whether Endpoints bear the annotation of a lock.
func Recorded(o metav1.Object) bool {
	_, recorded := o.GetAnnotations()[endpoints.LeaderAnnotation]
	return recorded
}

// UnfitEndpoints says why nobody is granted these Endpoints, and the way out; empty if
// they are an election's. They are to be whole, for what tells a Service's from a lock
// are their addresses.
func UnfitEndpoints(o *unstructured.Unstructured) string {
	if subsets, _, _ := unstructured.NestedSlice(o.Object, "subsets"); len(subsets) > 0 {
		return ofService(o, "have addresses")
	}
	if _, filled := o.GetLabels()[labelService]; filled {
		return ofService(o, "are filled by Kubernetes")
	}
	switch {
	case !Recorded(o):
		return ofService(o, "are without the annotation "+endpoints.LeaderAnnotation)
	case !view.Ours(o):
		return fmt.Sprintf("Leaseholder did not make the Endpoints %q in namespace %q: name another election with %s, or hand them over with: "+
			"kubectl label endpoints -n %s %s %s=%s %s=%s",
			o.GetName(), o.GetNamespace(), injector.AnnotationElection,
			o.GetNamespace(), o.GetName(), view.LabelManagedBy, view.ManagedBy, injector.LabelElection, o.GetName())
	}
	return ""
}

func ofService(o *unstructured.Unstructured, why string) string {
	return fmt.Sprintf("the Endpoints %q in namespace %q %s, and so belong to a Service and are no lock: name another election with %s",
		o.GetName(), o.GetNamespace(), why, injector.AnnotationElection)
}
