package explain

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/endpoints"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// readEndpoints reads Endpoints as a whole: whether they are a Service's, their addresses
// tell. That the API server calls their kind deprecated helps nobody here.
func readEndpoints(ctx context.Context, client kubernetes.Interface, namespace, name string) read[unstructured.Unstructured] {
	text, err := client.CoreV1().RESTClient().Get().WarningHandler(rest.NoWarnings{}).
		Namespace(namespace).Resource("endpoints").Name(name).Do(ctx).Raw()
	if err != nil {
		return readOne[unstructured.Unstructured](nil, err)
	}
	o := &unstructured.Unstructured{}
	return readOne(o, o.UnmarshalJSON(text))
}

// locked says whether the pod's lock are Endpoints.
func (r *report) locked() bool { return view.LockOf(r.pod).Scheme == config.LockEndpoints }

// unfit says why the Endpoints can't be the lock, and the way out; empty if they can, or
// if nothing is known. An administrator applies them without a record.
func (r *report) unfit() string {
	o := r.endpoints.value
	if o == nil || rights.Applied(o) {
		return ""
	}
	return rights.UnfitEndpoints(o)
}

// held says how the Endpoints are that are the pod's lock. The rest is told of the Lease,
// which follows them.
func (r *report) held() {
	o := r.endpoints.value
	switch {
	case !r.locked():
		return
	case r.endpoints.err != nil:
		r.unread(fmt.Sprintf("Endpoints %q, the lock", r.election), r.endpoints.err)
		return
	case o == nil:
		r.wrongf(controller, "There are no Endpoints %q, which are the lock, so nobody can lead", r.election)
		return
	}
	if why := r.unfit(); why != "" {
		whose, cure, _ := strings.Cut(why, ": ")
		r.wrongf(cure, "Leaseholder gives no rights to the lock: %s", whose)
		return
	}
	record, err := endpoints.Decode(o.GetAnnotations())
	switch {
	case err != nil:
		r.wrongf(fmt.Sprintf("see what wrote it, and then take it away, after which candidates wait for a whole lease duration: kubectl annotate endpoints -n %s %s %s-",
			r.pod.Namespace, r.election, endpoints.LeaderAnnotation), "Nobody can lead: of the Endpoints %q, %v", r.election, err)
	case record.Holder == "":
		r.factf("Nobody holds the Endpoints %q, which are the lock", r.election)
	case record.Stamped():
		r.factf("Pod %s holds the Endpoints %q, which are the lock, and renewed them %s", lock.PodName(record.Holder), r.election, r.ago(record.Renewed))
	default:
		r.factf("%q, which is none of Leaseholder's sidecars, holds the Endpoints %q, which are the lock, and renewed them %s", record.Holder, r.election, r.ago(record.Renewed))
	}
}
