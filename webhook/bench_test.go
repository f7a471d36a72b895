package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	crlog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
	"github.com/leaseholder-dev/leaseholder/webhook"
)

// asking is what a pod says that asks for the sidecar.
var asking = map[string]string{injector.AnnotationInject: "true", injector.AnnotationElection: "orders"}

// BenchmarkAdmission is what one request costs a server without the network: its
// body is read, decided about, and answered for as bytes. Beside Leaseholder's
// handler stand one that does nothing, and the reading of the pod alone.
func BenchmarkAdmission(b *testing.B) {
	logAside()
	for _, size := range injectortest.Sizes() {
		raw, err := size.Admitted(asking)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(size.Name+"/leaseholder", func(b *testing.B) { benchmarkAdmission(b, benchmarked(b), raw) })
		b.Run(size.Name+"/nothing", func(b *testing.B) { benchmarkAdmission(b, idle, raw) })
		b.Run(size.Name+"/unmarshal", func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if err := json.Unmarshal(raw, new(corev1.Pod)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// logAside sets the server's log up as the command does, but for where it goes.
func logAside() { crlog.SetLogger(logr.FromSlogHandler(slog.NewJSONHandler(new(bytes.Buffer), nil))) }

// idle is a handler that does nothing.
var idle = admission.HandlerFunc(func(context.Context, admission.Request) admission.Response { return admission.Allowed("") })

// benchmarked is a handler as the command makes it.
func benchmarked(t testing.TB) admission.Handler {
	t.Helper()
	decisions, err := webhook.NewDecisions(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	own := &reader{leases: map[string]map[string]string{"shop/orders": nil}}
	return webhook.NewHandler(webhook.Options{
		Settings: settings(), Leases: webhook.KnownLeases{Own: own}, Excluded: func(string) bool { return false }, Decisions: decisions,
	})
}

func benchmarkAdmission(b *testing.B, handler admission.Handler, pod []byte) {
	b.Helper()
	body := review(b, pod)
	hook := &admission.Webhook{Handler: handler}
	b.SetBytes(int64(len(pod)))
	b.ReportAllocs()
	for b.Loop() {
		if answer := post(b, hook, body); !bytes.Contains(answer, []byte(`"allowed":true`)) {
			b.Fatalf("%s", answer)
		}
	}
}

// review is the request about a pod, as the API server writes it.
func review(t testing.TB, pod []byte) []byte {
	t.Helper()
	pods := metav1.GroupVersionResource{Version: "v1", Resource: "pods"}
	kind := metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}
	body, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: "0b4d6f8e-6a55-4a0e-8f3c-2f1f1c1e6b7a", Kind: kind, Resource: pods, RequestKind: &kind, RequestResource: &pods,
			Namespace: "shop", Operation: admissionv1.Create,
			UserInfo: authenticationv1.UserInfo{Username: "system:serviceaccount:kube-system:replicaset-controller"},
			Object:   runtime.RawExtension{Raw: pod},
			Options:  runtime.RawExtension{Raw: []byte(`{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}`)},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// answered is the response to a request, with nothing of a connection.
type answered struct {
	bytes.Buffer
	header http.Header
}

func (a *answered) Header() http.Header { return a.header }
func (*answered) WriteHeader(int)       {}

// post gives a page's answer to a body.
func post(t testing.TB, page http.Handler, body []byte) []byte {
	t.Helper()
	request := &http.Request{
		Method: http.MethodPost, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)),
	}
	answer := &answered{header: http.Header{}}
	page.ServeHTTP(answer, request)
	return answer.Bytes()
}

// A decision about a small pod allocates no more than this beyond what a handler
// that does nothing does, of which about half is the pod itself and its patch.
const fewAllocations = 320

func TestADecisionAllocatesLittle(t *testing.T) {
	logAside()
	raw, err := injectortest.Small.Admitted(asking)
	if err != nil {
		t.Fatal(err)
	}
	body := review(t, raw)
	allocations := func(handler admission.Handler) float64 {
		hook := &admission.Webhook{Handler: handler}
		return testing.AllocsPerRun(100, func() { post(t, hook, body) })
	}
	if own, other := allocations(benchmarked(t)), allocations(idle); own-other > fewAllocations {
		t.Errorf("%.0f allocations, %.0f of a handler that does nothing, want at most %d more", own, other, fewAllocations)
	}
}

func TestBenchmarkedPodsAreOfTheirSizes(t *testing.T) {
	for size, bound := range map[injectortest.Size]struct{ least, most int }{
		injectortest.Small: {1_000, 4_000}, injectortest.Medium: {10_000, 40_000}, injectortest.Large: {400_000, 600_000},
	} {
		raw, err := size.Admitted(asking)
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) < bound.least || len(raw) > bound.most {
			t.Errorf("the %s pod has %d bytes, want %d to %d", size.Name, len(raw), bound.least, bound.most)
		}
		if !strings.Contains(string(raw), `"managedFields"`) {
			t.Errorf("the %s pod does not say who manages it", size.Name)
		}
	}
}
