package attacks

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	endpointslock "github.com/leaseholder-dev/leaseholder/sidecar/lock/endpoints"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

var mayWriteEndpoints = may("/endpoints", "get", "create", "update", "patch", "delete")

// byEndpoints has a pod's lock in Endpoints.
func byEndpoints(p *corev1.Pod) { p.Annotations[injector.AnnotationLock] = "endpoints" }

func endpoints(namespace, name string, change ...func(*unstructured.Unstructured)) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(view.EndpointsKind())
	o.SetNamespace(namespace)
	o.SetName(name)
	for _, f := range change {
		f(o)
	}
	return o
}

// The parts of Endpoints: the labels of an election's, the record of an elector of 2016,
// the addresses of a Service.
func electionOf(o *unstructured.Unstructured) {
	o.SetLabels(map[string]string{view.LabelManagedBy: view.ManagedBy, injector.LabelElection: o.GetName()})
}

func heldBy2016(o *unstructured.Unstructured) {
	o.SetAnnotations(map[string]string{endpointslock.LeaderAnnotation: `{"holderIdentity":"theirs-0","leaseDurationSeconds":10}`})
}

// nobody is the record of Endpoints that nobody has held yet.
func nobody() string {
	var m metav1.ObjectMeta
	endpointslock.Unheld(&m)
	return m.Annotations[endpointslock.LeaderAnnotation]
}

func addressed(o *unstructured.Unstructured) { o.Object["subsets"] = addresses(1) }

// addresses are that many, of which mallory has all.
func addresses(n int) []any {
	all := make([]any, n)
	for i := range n {
		all[i] = map[string]any{"ip": fmt.Sprintf("192.0.%d.%d", i/250, 1+i%250)}
	}
	return []any{map[string]any{"addresses": all, "ports": []any{map[string]any{"port": int64(80)}}}}
}

// steer is a patch that gives Endpoints that many addresses, and changes their labels too.
func steer(t *testing.T, n int, labels map[string]any) client.Patch {
	t.Helper()
	patch := map[string]any{"subsets": addresses(n)}
	if labels != nil {
		patch["metadata"] = map[string]any{"labels": labels}
	}
	body, err := json.Marshal(patch)
	if err != nil {
		t.Fatal(err)
	}
	return merge(string(body))
}

const mayGiveAddresses = "may create endpoints in their namespace"

// TestAnElectionNamedLikeAService gets no rights to the Service's Endpoints, whether they
// have addresses at the moment or not, and a Service that comes later takes none away.
func TestAnElectionNamedLikeAService(t *testing.T) {
	serve(t)
	n := cluster.NewNamespace(t)
	made(t, endpoints(n, "web", addressed))
	made(t, endpoints(n, "scaled-to-zero"))
	mallory := user(t, n, mayMakePods)
	for name, says := range map[string]string{"web": "have addresses", "scaled-to-zero": "are without the annotation"} {
		err := mallory.Create(t.Context(), annotated(n, "a", name, byEndpoints))
		if err := refused(err, says, "belong to a Service", "name another election"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The same name is free where the lock is a Lease.
	if err := mallory.Create(t.Context(), annotated(n, "b", "web")); err != nil {
		t.Fatal(err)
	}
	granted(t, n, "web", "default")
	if err := unauthorized(account(t, n).Patch(t.Context(), endpoints(n, "web"), steer(t, 1, nil))); err != nil {
		t.Errorf("the Service's addresses: %v", err)
	}

	made(t, annotated(n, "c", "orders", byEndpoints))
	granted(t, n, "orders", "default")
	kubernetes := clientOf(t, webhooktest.As(cluster.Config, kubeSystem, "endpoint-controller"))
	filled := endpoints(n, "orders")
	if err := kubernetes.Get(t.Context(), client.ObjectKeyFromObject(filled), filled); err != nil {
		t.Fatal(err)
	}
	filled.SetLabels(map[string]string{"app": "orders", "endpoints.kubernetes.io/managed-by": "endpoint-controller"})
	addressed(filled)
	if err := policed(kubernetes.Update(t.Context(), filled), "A Service of the same name needs another name"); err != nil {
		t.Errorf("a Service that comes later: %v", err)
	}
}

// TestEndpointsMadeBeforehandToBeAdopted are adopted only if their maker may grant rights
// there.
func TestEndpointsMadeBeforehandToBeAdopted(t *testing.T) {
	serve(t)
	n := cluster.NewNamespace(t)
	mallory := user(t, n, mayMakePods, mayWriteEndpoints)
	const says = "may create roles.rbac.authorization.k8s.io"
	onlyOurs := func(o *unstructured.Unstructured) {
		o.SetLabels(map[string]string{view.LabelManagedBy: view.ManagedBy})
	}
	for what, o := range map[string]*unstructured.Unstructured{
		"some with our labels":      endpoints(n, "orders", electionOf, heldBy2016),
		"some with one of them":     endpoints(n, "orders", onlyOurs, heldBy2016),
		"some with addresses too":   endpoints(n, "orders", electionOf, heldBy2016, addressed),
		"some without any record":   endpoints(n, "orders", electionOf),
		"those of another election": endpoints(n, "orders", electionOf, func(o *unstructured.Unstructured) { o.SetName("toys") }),
		"some with an early release": endpoints(n, "orders", electionOf, func(o *unstructured.Unstructured) {
			o.SetAnnotations(map[string]string{"leaseholder.dev/released": "x"})
		}),
	} {
		if err := policed(mallory.Create(t.Context(), o), says); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	theirs := endpoints(n, "orders", heldBy2016)
	if err := mallory.Create(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	const label = `{"metadata":{"labels":{"app.kubernetes.io/managed-by":"leaseholder","leaseholder.dev/election":"orders"}}}`
	if err := policed(mallory.Patch(t.Context(), theirs.DeepCopy(), merge(label)), says); err != nil {
		t.Errorf("labels that come later: %v", err)
	}
	labelled := theirs.DeepCopy()
	electionOf(labelled)
	if err := policed(mallory.Update(t.Context(), labelled), says); err != nil {
		t.Errorf("some that are replaced: %v", err)
	}
	apply := client.RawPatch(types.ApplyPatchType, []byte(`{"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"orders","labels":{"app.kubernetes.io/managed-by":"leaseholder"}}}`))
	if err := policed(mallory.Patch(t.Context(), endpoints(n, "orders"), apply, client.FieldOwner(userName), client.ForceOwnership), says); err != nil {
		t.Errorf("some that are applied: %v", err)
	}
	command := fmt.Sprintf("kubectl label endpoints -n %s orders app.kubernetes.io/managed-by=leaseholder leaseholder.dev/election=orders", n)
	if err := refused(mallory.Create(t.Context(), annotated(n, "a", "orders", byEndpoints)), "did not make the Endpoints", command); err != nil {
		t.Errorf("a pod that names them: %v", err)
	}

	// Who may create roles could give the rights in other ways too.
	another := cluster.NewNamespace(t)
	granter := user(t, another, mayMakePods, mayWriteEndpoints, mayGrant)
	if err := granter.Create(t.Context(), endpoints(another, "orders", heldBy2016)); err != nil {
		t.Fatal(err)
	}
	if err := granter.Patch(t.Context(), endpoints(another, "orders"), merge(label)); err != nil {
		t.Errorf("who may grant can't hand over: %v", err)
	}
	if err := granter.Create(t.Context(), annotated(another, "a", "orders", byEndpoints)); err != nil {
		t.Fatal(err)
	}
	granted(t, another, "orders", "default")

	// Not even they hand over a Service's: that would be a mistake.
	if err := granter.Create(t.Context(), endpoints(another, "web", electionOf, heldBy2016, addressed)); err != nil {
		t.Fatal(err)
	}
	made(t, annotated(another, "b", "web", byEndpoints))
	made(t, annotated(another, "last", "last"))
	granted(t, another, "last", "default")
	if names, err := grantees(t.Context(), another, "web"); !apierrors.IsNotFound(err) {
		t.Errorf("rights to a Service's: %v %v", names, err)
	}
}

// TestTheSidecarsTokenOnItsOwnEndpoints takes the lead, and leads nobody's traffic.
func TestTheSidecarsTokenOnItsOwnEndpoints(t *testing.T) {
	serve(t)
	n := cluster.NewNamespace(t)
	made(t, annotated(n, "a", "orders", byEndpoints))
	granted(t, n, "orders", "default")
	web := made(t, endpoints(n, "web", addressed))
	sidecar := account(t, n)
	lead := merge(fmt.Sprintf(`{"metadata":{"annotations":{%q:"{\"holderIdentity\":\"a\"}","leaseholder.dev/token":"7","leaseholder.dev/holder":"a"}}}`, endpointslock.LeaderAnnotation))
	webhooktest.Eventually(t, "it renews", func(ctx context.Context) error { return sidecar.Patch(ctx, endpoints(n, "orders"), lead) })

	for _, c := range []struct {
		what, says string
		patch      client.Patch
	}{
		{"addresses", mayGiveAddresses, steer(t, 1, nil)},
		{"very many addresses", mayGiveAddresses, steer(t, 10_000, nil)},
		{"addresses without our label", "takes them back", steer(t, 1, map[string]any{view.LabelManagedBy: nil})},
		{"addresses without both labels", "takes them back", steer(t, 1, map[string]any{view.LabelManagedBy: nil, injector.LabelElection: nil})},
		{"no label of ours", "takes them back", merge(`{"metadata":{"labels":{"app.kubernetes.io/managed-by":null}}}`)},
		{"another label of ours", "takes them back", merge(`{"metadata":{"labels":{"app.kubernetes.io/managed-by":"mallory"}}}`)},
		{"another election", "takes them back", merge(`{"metadata":{"labels":{"leaseholder.dev/election":"web"}}}`)},
	} {
		if err := policed(sidecar.Patch(t.Context(), endpoints(n, "orders"), c.patch), c.says); err != nil {
			t.Errorf("it gives them %s: %v", c.what, err)
		}
	}
	for what, err := range map[string]error{
		"deletes them":               sidecar.Delete(t.Context(), endpoints(n, "orders")),
		"replaces them":              sidecar.Update(t.Context(), endpoints(n, "orders", electionOf)),
		"makes others":               sidecar.Create(t.Context(), endpoints(n, "new")),
		"makes others by an apply":   sidecar.Patch(t.Context(), endpoints(n, "new"), client.RawPatch(types.ApplyPatchType, []byte(`{"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"new"}}`)), client.FieldOwner("x")),
		"reads a Service's":          sidecar.Get(t.Context(), client.ObjectKeyFromObject(web), endpoints(n, "web")),
		"leads a Service's traffic":  sidecar.Patch(t.Context(), endpoints(n, "web"), steer(t, 1, nil)),
		"lists those of all":         sidecar.List(t.Context(), listOf("EndpointsList"), client.InNamespace(n)),
		"makes an EndpointSlice":     sidecar.Create(t.Context(), slice(n)),
		"takes those of kube-system": sidecar.Patch(t.Context(), endpoints(kubeSystem, "orders"), lead),
	} {
		if err := unauthorized(err); err != nil {
			t.Errorf("it %s: %v", what, err)
		}
	}
}

// TestAddressesForgedAmongVeryMany: a policy that costs more than the API server allows is
// left out, if it fails open.
func TestAddressesForgedAmongVeryMany(t *testing.T) {
	n := cluster.NewNamespace(t)
	mallory := user(t, n, may("/endpoints", "get", "patch")) // as a sidecar's account
	// More labels take the API server itself many seconds.
	stuffed := made(t, endpoints(n, "orders", func(o *unstructured.Unstructured) {
		o.SetLabels(many(5*most, view.LabelManagedBy, view.ManagedBy, injector.LabelElection, "orders"))
		o.SetAnnotations(many(5*most, endpointslock.LeaderAnnotation, nobody()))
		o.Object["subsets"] = addresses(10_000)
	}))
	for what, c := range map[string]struct {
		patch client.Patch
		says  string
	}{
		"other addresses": {steer(t, 9_999, nil), mayGiveAddresses},
		"none":            {merge(`{"subsets":null}`), mayGiveAddresses},
		"no label":        {merge(`{"metadata":{"labels":{"app.kubernetes.io/managed-by":null}}}`), "takes them back"},
	} {
		if err := policed(mallory.Patch(t.Context(), endpoints(n, stuffed.GetName()), c.patch), c.says); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := mallory.Patch(t.Context(), endpoints(n, "orders"), merge(`{"metadata":{"annotations":{"leaseholder.dev/token":"7"}}}`)); err != nil {
		t.Errorf("a renewal: %v", err)
	}
}

func listOf(kind string) *unstructured.UnstructuredList {
	l := &unstructured.UnstructuredList{}
	l.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
	return l
}

// slice leads the traffic of the Service orders, in the way of today.
func slice(namespace string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
		"metadata":  map[string]any{"namespace": namespace, "name": "orders", "labels": map[string]any{"kubernetes.io/service-name": "orders"}},
		"endpoints": []any{map[string]any{"addresses": []any{"192.0.2.1"}}},
	}}
}

// TestTheWebhooksTokenStolenAndUsedOnEndpoints: who has it can make and delete the locks of
// elections. It takes no lead, and leads no traffic.
func TestTheWebhooksTokenStolenAndUsedOnEndpoints(t *testing.T) {
	n := cluster.NewNamespace(t)
	noRecord := func(o *unstructured.Unstructured) {
		o.SetAnnotations(map[string]string{endpointslock.LeaderAnnotation: nobody()})
	}
	onlyOurs := func(o *unstructured.Unstructured) {
		o.SetLabels(map[string]string{view.LabelManagedBy: view.ManagedBy})
	}
	held, bare := made(t, endpoints(n, "orders", electionOf, heldBy2016)), made(t, endpoints(n, "bare", electionOf))
	handed, theirs, web := made(t, endpoints(n, "handed", onlyOurs, heldBy2016)), made(t, endpoints(n, "theirs", heldBy2016)), made(t, endpoints(n, "web", addressed))
	labelled := made(t, endpoints(n, "labelled", electionOf, heldBy2016, addressed))
	system := made(t, endpoints(kubeSystem, "kube-stolen", electionOf, heldBy2016))
	neighbour := made(t, endpoints(webhooktest.Namespace, "neighbour", electionOf, heldBy2016))
	t.Cleanup(func() {
		for _, o := range []client.Object{system, neighbour} {
			_ = cluster.Admin.Delete(context.WithoutCancel(t.Context()), o)
		}
	})
	create := func(o *unstructured.Unstructured) error { return cluster.Client.Create(t.Context(), o) }
	patch := func(o *unstructured.Unstructured, p client.Patch) error {
		return cluster.Client.Patch(t.Context(), endpoints(o.GetNamespace(), o.GetName()), p)
	}
	remove := func(o *unstructured.Unstructured) error {
		return cluster.Client.Delete(t.Context(), endpoints(o.GetNamespace(), o.GetName()))
	}
	take := merge(fmt.Sprintf(`{"metadata":{"annotations":{%q:"{\"holderIdentity\":\"mallory\"}"}}}`, endpointslock.LeaderAnnotation))
	release := merge(fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, endpointslock.LeaderAnnotation, nobody()))
	for what, c := range map[string]struct {
		err  error
		says string
	}{
		"make some without labels":       {create(endpoints(n, "new", noRecord)), "make these Endpoints"},
		"make some for another election": {create(endpoints(n, "new", electionOf, noRecord, func(o *unstructured.Unstructured) { o.SetName("another") })), "make these Endpoints"},
		"make some that are held":        {create(endpoints(n, "new", electionOf, heldBy2016)), "held or marked"},
		"make some without a record":     {create(endpoints(n, "new", electionOf)), "held or marked"},
		"make some that are released": {create(endpoints(n, "new", electionOf, func(o *unstructured.Unstructured) {
			o.SetAnnotations(map[string]string{endpointslock.LeaderAnnotation: nobody(), "leaseholder.dev/released": "x"})
		})), "held or marked"},
		"make some with addresses":             {create(endpoints(n, "new", electionOf, noRecord, addressed)), "have addresses"},
		"make some in kube-system":             {create(endpoints(kubeSystem, "new", electionOf, noRecord)), "this namespace"},
		"make some in its own namespace":       {create(endpoints(webhooktest.Namespace, "new", electionOf, noRecord)), "this namespace"},
		"give them addresses":                  {patch(held, steer(t, 1, nil)), "have addresses"},
		"give addresses to another's":          {patch(theirs, steer(t, 1, nil)), "have addresses"},
		"lead a Service's traffic":             {patch(web, steer(t, 2, nil)), "have addresses"},
		"take a labelled Service's away":       {patch(labelled, merge(`{"subsets":null}`)), "have addresses"},
		"take the lead":                        {patch(held, take), "the holder of Endpoints"},
		"take the lead away":                   {patch(held, release), "the holder of Endpoints"},
		"take the record away":                 {patch(held, merge(fmt.Sprintf(`{"metadata":{"annotations":{%q:null}}}`, endpointslock.LeaderAnnotation))), "the holder of Endpoints"},
		"take the first lead":                  {patch(bare, take), "the holder of Endpoints"},
		"ask the holder":                       {patch(held, merge(`{"metadata":{"annotations":{"leaseholder.dev/step-down":"x"}}}`)), "any annotation"},
		"change the token":                     {patch(held, merge(`{"metadata":{"annotations":{"leaseholder.dev/token":"1"}}}`)), "any annotation"},
		"take the label off":                   {patch(held, merge(`{"metadata":{"labels":{"app.kubernetes.io/managed-by":null}}}`)), "the labels"},
		"give them a finalizer":                {patch(held, merge(`{"metadata":{"finalizers":["x.example.com/x"]}}`)), "finalizers"},
		"label another's":                      {patch(theirs, merge(`{"metadata":{"labels":{"app.kubernetes.io/managed-by":"leaseholder"}}}`)), "are not Leaseholder's"},
		"delete another's":                     {remove(theirs), "are not Leaseholder's"},
		"delete a Service's":                   {remove(web), "have addresses"},
		"delete a labelled Service's":          {remove(labelled), "have addresses"},
		"delete those of no election":          {remove(handed), "which are no election's"},
		"write those of kube-system":           {patch(system, release), "this namespace"},
		"delete those of kube-system":          {remove(system), "this namespace"},
		"delete those of its own namespace":    {remove(neighbour), "this namespace"},
		"write them in its own namespace also": {patch(neighbour, release), "this namespace"},
	} {
		if err := policed(c.err, c.says); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"make an election's":       create(endpoints(n, "next", electionOf, noRecord)),
		"put back an empty record": patch(bare, release),
		"delete an election's":     remove(held),
	} {
		if err != nil {
			t.Errorf("it can't %s: %v", what, err)
		}
	}
}

// TestAnAnnotationOfALockThatComesLater gives nobody who may change pods a grant: what the
// sidecar was told counts.
func TestAnAnnotationOfALockThatComesLater(t *testing.T) {
	serve(t)
	n := cluster.NewNamespace(t)
	pod := made(t, annotated(n, "a", "orders"))
	granted(t, n, "orders", "default")
	mallory := user(t, n, mayMakePods, mayPatchPods)
	if err := mallory.Patch(t.Context(), pod.DeepCopy(), merge(`{"metadata":{"annotations":{"leaseholder.dev/lock":"endpoints"}}}`)); err != nil {
		t.Fatal(err)
	}
	// What comes last is granted, so that what came before was seen.
	made(t, annotated(n, "last", "last"))
	granted(t, n, "last", "default")
	if err := unauthorized(account(t, n).Get(t.Context(), client.ObjectKey{Namespace: n, Name: "orders"}, endpoints(n, "orders"))); err != nil {
		t.Errorf("rights to Endpoints: %v", err)
	}
	current := lease(n, "orders")
	if err := cluster.Admin.Get(t.Context(), client.ObjectKeyFromObject(current), current); err != nil || strings.Contains(fmt.Sprint(current.Annotations), "endpoints") {
		t.Errorf("the Lease says %v: %v", current.Annotations, err)
	}
}
