package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
	"github.com/leaseholder-dev/leaseholder/webhook/workloads"
)

// caller is somebody who reaches the webhook's port, and is not the API server. It
// shows certificates if it has any.
func caller(t *testing.T, certificates ...tls.Certificate) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		MinVersion: tls.VersionTLS12, InsecureSkipVerify: true, //nolint:gosec // it wants to be answered, whoever answers
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if len(certificates) == 0 {
				return &tls.Certificate{}, nil
			}
			return &certificates[0], nil
		},
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// call asks about an object as the API server would.
func call(ctx context.Context, c *http.Client, r *replica, path, resource, namespace string, object any) (*admissionv1.AdmissionResponse, error) {
	raw, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	question, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: "0f3c", Namespace: namespace, Operation: admissionv1.Create,
			Resource: metav1.GroupVersionResource{Version: "v1", Resource: resource}, Object: runtime.RawExtension{Raw: raw},
		},
	})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("https://127.0.0.1:%d%s", r.options.webhookPort, path), bytes.NewReader(question))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := c.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(page, &review); err != nil {
		return nil, fmt.Errorf("%s: %s", answer.Status, page)
	}
	return review.Response, nil
}

// events are those of a namespace.
func events(ctx context.Context, namespace string) ([]eventsv1.Event, error) {
	var list eventsv1.EventList
	err := cluster.Admin.List(ctx, &list, client.InNamespace(namespace))
	return list.Items, err
}

// refusable is a pod of a controller that is refused, which its controller is told.
func refusable(namespace, owner string) *corev1.Pod {
	pod := annotated(namespace, "wrong", "No Label")
	owned(pod)
	pod.OwnerReferences[0].Name = owner
	return pod
}

func TestWithAClientCAOnlyTheAPIServerIsAnswered(t *testing.T) {
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(cluster.Callers.PEM)
	r := serving(t, func(o *options) { o.clientCA = authorities })
	n := cluster.NewNamespace(t)
	others, err := webhooktest.NewCallers()
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := others.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	user, err := tls.X509KeyPair(cluster.Config.CertData, cluster.Config.KeyData)
	if err != nil {
		t.Fatal(err)
	}
	for who, c := range map[string]*http.Client{
		"without a certificate":                caller(t),
		"with a certificate of its own making": caller(t, foreign),
		"with that of an administrator":        caller(t, user),
	} {
		for path, resource := range map[string]string{webhook.Path: "pods", webhook.PathOf(injector.Require): "pods", workloads.Path: "deployments"} {
			answer, err := call(t.Context(), c, r, path, resource, n, refusable(n, "forged"))
			if err == nil || !strings.Contains(err.Error(), "tls: ") {
				t.Errorf("%s: %s is not refused by TLS: %v, %v", who, path, answer, err)
			}
		}
	}
	// What is told of the API server's own question comes after what would have been told
	// of the others'.
	if err := cluster.Admin.Create(t.Context(), refusable(n, "real")); !apierrors.IsForbidden(err) {
		t.Fatalf("the API server's own question: %v", err)
	}
	webhooktest.Eventually(t, "the owner is told", func(ctx context.Context) error {
		made, err := events(ctx, n)
		if err == nil && len(made) == 0 {
			err = errors.New("no event")
		}
		for _, e := range made {
			if e.Regarding.Name != "real" {
				t.Errorf("a stranger's question is told of: %s", e.Note)
			}
		}
		return err
	})
	ours, err := cluster.Callers.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := call(t.Context(), caller(t, ours), r, webhook.Path, "pods", n, annotated(n, "app", "orders")); err != nil || !answer.Allowed {
		t.Errorf("who has a certificate of the authority gets %v, %v", answer, err)
	}
}

// TestWhatAnybodyGetsOfTheWebhook is what docs/security.md says of callers that are
// not the API server, where there is no client CA.
func TestWhatAnybodyGetsOfTheWebhook(t *testing.T) {
	r := serving(t)
	n := cluster.NewNamespace(t)
	c := caller(t)
	ask := func(path, resource, namespace string, object any) *admissionv1.AdmissionResponse {
		t.Helper()
		answer, err := call(t.Context(), c, r, path, resource, namespace, object)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	says := func(what string, answer *admissionv1.AdmissionResponse, parts ...string) {
		t.Helper()
		text := fmt.Sprint(answer.Result, answer.Warnings, string(answer.Patch))
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%s: it is not told %s: %s", what, part, text)
			}
		}
	}
	if err := cluster.Admin.Create(t.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: n, Name: "theirs"}}); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Admin.Create(t.Context(), func() *corev1.Pod {
		pod := annotated(n, "db-0", "")
		delete(pod.Annotations, injector.AnnotationElection)
		owned(pod)
		return pod
	}()); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Admin.Create(t.Context(), &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: n, Name: "secret-budget"},
		Spec: policyv1.PodDisruptionBudgetSpec{
			MinAvailable: new(intstr.FromInt32(1)), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
		},
	}); err != nil {
		t.Fatal(err)
	}

	says("the settings", ask(webhook.Path, "pods", n, annotated(n, "app", "orders")), "sidecar:1")
	says("that there is a Lease", ask(webhook.Path, "pods", n, annotated(n, "app", "theirs")), "did not make the Lease")
	webhooktest.Eventually(t, "whose an election is", func(context.Context) error {
		if answer := ask(webhook.Path, "pods", n, annotated(n, "app", "statefulset-db")); answer.Allowed || !strings.Contains(answer.Result.Message, "statefulset/db") {
			return fmt.Errorf("it is told %v", answer.Result)
		}
		return nil
	})
	d := deployment(n, "web")
	d.TypeMeta = metav1.TypeMeta{APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "Deployment"}
	d.Spec.Replicas = new(int32(2))
	d.Spec.Template.Annotations = map[string]string{injector.AnnotationInject: "true", injector.AnnotationStandby: "unready"}
	says("the names of budgets", ask(workloads.Path, "deployments", n, d), "secret-budget")

	// It makes Events in any namespace but those of Kubernetes and Leaseholder: so many
	// at a time, and nothing else.
	const flood = 200
	for i := range flood {
		for _, namespace := range []string{n, "kube-system", webhooktest.Namespace} {
			if answer := ask(webhook.Path, "pods", namespace, refusable(namespace, fmt.Sprint("forged-", i))); answer.Allowed {
				t.Fatalf("it is let in: %v", answer)
			}
		}
	}
	last := cluster.NewNamespace(t)
	ask(webhook.Path, "pods", last, refusable(last, "forged"))
	webhooktest.Eventually(t, "an event in another namespace comes all the same", func(ctx context.Context) error {
		made, err := events(ctx, last)
		if err == nil && len(made) == 0 {
			err = errors.New("none")
		}
		return err
	})
	made, err := events(t.Context(), n)
	if err != nil || len(made) == 0 || len(made) > flood/2 {
		t.Errorf("%d questions made %d events: %v", flood, len(made), err)
	}
	for _, namespace := range []string{"kube-system", webhooktest.Namespace} {
		made, err := events(t.Context(), namespace)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range made {
			if e.Reason == string(injector.InvalidValue) {
				t.Errorf("an event in %s: %s", namespace, e.Note)
			}
		}
	}
	for _, object := range []client.Object{&coordinationv1.Lease{}, &rbacv1.Role{}, &rbacv1.RoleBinding{}} {
		for _, name := range []string{"orders", "leaseholder-orders"} {
			if err := cluster.Admin.Get(t.Context(), types.NamespacedName{Namespace: n, Name: name}, object); !apierrors.IsNotFound(err) {
				t.Errorf("%T %q: %v", object, name, err)
			}
		}
	}
}
