package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// place is a namespace in which pods are created. In files it is called
// injectortest.Namespace, which stands between quotation marks wherever it is meant.
type place struct{ name string }

// Modes in which a pod is created.
const (
	dryRun   = true
	forReal  = false
	excluded = "kube-" // begins the names of namespaces about which nobody asks the webhook
)

// newPlace makes a namespace with what has to be in it.
func newPlace(t *testing.T, name string, labels map[string]string, around [][]byte) place {
	t.Helper()
	p := place{name}
	n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	if err := cluster.Admin.Create(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	for _, raw := range around {
		p.add(t, raw)
	}
	// In a cluster, the controller manager makes it with the namespace.
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "default"}}
	if err := cluster.Admin.Create(t.Context(), account); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	if len(around) > 0 {
		p.awaitQuotas(t)
	}
	return p
}

// add makes an object. A quota gets the status that its controller would write.
func (p place) add(t *testing.T, raw []byte) {
	t.Helper()
	var object unstructured.Unstructured
	if err := json.Unmarshal(p.in(raw), &object.Object); err != nil {
		t.Fatal(err)
	}
	object.SetNamespace(p.name)
	if err := cluster.Admin.Create(t.Context(), &object); err != nil {
		t.Fatal(err)
	}
	if object.GetKind() != "ResourceQuota" {
		return
	}
	hard, _, err := unstructured.NestedStringMap(object.Object, "spec", "hard")
	used := map[string]any{}
	limits := map[string]any{}
	for name, limit := range hard {
		used[name], limits[name] = "0", limit
	}
	object.Object["status"] = map[string]any{"hard": limits, "used": used}
	if err := errors.Join(err, cluster.Admin.Status().Update(t.Context(), &object)); err != nil {
		t.Fatal(err)
	}
}

// awaitQuotas waits until the API server knows of each quota, which it shows by
// refusing a pod that asks for more than there is.
func (p place) awaitQuotas(t *testing.T) {
	t.Helper()
	var quotas corev1.ResourceQuotaList
	if err := restClient(t).Get().Resource("resourcequotas").Namespace(p.name).Do(t.Context()).Into(&quotas); err != nil {
		t.Fatal(err)
	}
	if len(quotas.Items) == 0 {
		return
	}
	const all = `{"cpu":"1M","memory":"1Pi"}`
	pod := fmt.Appendf(nil, `{"metadata":{"name":"x"},"spec":{"containers":[{"name":"x","image":"x","resources":{"requests":%s,"limits":%s}}]}}`, all, all)
	webhooktest.Eventually(t, "the API server knows the quota", func(ctx context.Context) error {
		if got := p.create(ctx, pod, dryRun); !apierrors.IsForbidden(got.err) {
			return fmt.Errorf("a pod of a million cores gets: %w", got.err)
		}
		return nil
	})
}

// in is JSON with the name of this place in it.
func (p place) in(raw []byte) []byte {
	return bytes.ReplaceAll(raw, quoted(injectortest.Namespace), quoted(p.name))
}

// out is the opposite of in.
func (p place) out(raw []byte) []byte {
	return bytes.ReplaceAll(raw, quoted(p.name), quoted(injectortest.Namespace))
}

func quoted(name string) []byte { return []byte(`"` + name + `"`) }

// answer is the API server's to the creation of a pod.
type answer struct {
	raw      []byte
	err      error
	warnings []string
}

// message is that of a refusal, as a user sees it.
func (a answer) message() string {
	var status apierrors.APIStatus
	if !errors.As(a.err, &status) {
		return ""
	}
	return status.Status().Message
}

// create creates a pod as it is written, unknown fields and all.
func (p place) create(ctx context.Context, pod []byte, dry bool) answer {
	client, err := pods()
	if err != nil {
		return answer{err: err}
	}
	request := client.Post().Namespace(p.name).Resource("pods").SetHeader("Content-Type", "application/json").Body(pod)
	if dry {
		request.Param("dryRun", metav1.DryRunAll)
	}
	result := request.Do(ctx)
	a := answer{err: result.Error()}
	if a.err == nil {
		a.raw, a.err = result.Raw()
	}
	for _, w := range result.Warnings() {
		a.warnings = append(a.warnings, w.Text)
	}
	return a
}

// remove deletes a pod at once: there is no kubelet to end it.
func (p place) remove(t *testing.T, pod answer) {
	t.Helper()
	var object metav1.PartialObjectMetadata
	if err := json.Unmarshal(pod.raw, &object); err != nil {
		t.Fatal(err)
	}
	now := metav1.NewDeleteOptions(0)
	if err := restClient(t).Delete().Namespace(p.name).Resource("pods").Name(object.Name).Body(now).Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
}

func restClient(t *testing.T) rest.Interface {
	t.Helper()
	client, err := pods()
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// pods is a client that sends what it is given, and tells what the API server warns of.
var pods = sync.OnceValues(func() (rest.Interface, error) {
	config := rest.CopyConfig(cluster.Config)
	config.APIPath, config.GroupVersion = "/api", &corev1.SchemeGroupVersion
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	config.ContentType, config.AcceptContentTypes = "application/json", "application/json"
	config.WarningHandler = rest.NoWarnings{}
	return rest.RESTClientFor(config)
})
