package acceptance

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"gomodules.xyz/jsonpatch/v2"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// Names of other mutating webhooks' configurations: the API server asks the one
// before ours, and the other after it.
const (
	before = "aaa-annotates-pods"
	after  = "kyverno-resource-mutating-webhook-cfg"
)

// plainPod has a controller, and asks for nothing.
const plainPod = `{
	"metadata": {"name": "app", "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "u", "controller": true}]},
	"spec": {"containers": [{"name": "app", "image": "app:1"}]}
}`

// annotatedPod is the same pod, and asks for the sidecar.
var annotatedPod = strings.Replace(plainPod, `"name": "app",`, `"name": "app", "annotations": {"leaseholder.dev/inject": "true"},`, 1)

// annotate registers a webhook that asks for the sidecar in every pod of a place.
func annotate(t *testing.T, configuration string, p place) {
	t.Helper()
	s := httptest.NewTLSServer(&admission.Webhook{Handler: admission.HandlerFunc(func(context.Context, admission.Request) admission.Response {
		return admission.Patched("", jsonpatch.NewOperation("add", "/metadata/annotations", map[string]string{injector.AnnotationInject: "true"}))
	})})
	t.Cleanup(s.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	cluster.Install(t, &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: configuration},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name:                    "annotate.example.com",
			AdmissionReviewVersions: []string{"v1"},
			ClientConfig:            admissionregistrationv1.WebhookClientConfig{URL: &s.URL, CABundle: authority},
			SideEffects:             new(admissionregistrationv1.SideEffectClassNone),
			NamespaceSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: p.name}},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
			}},
		}},
	})
}

// unasked begins what is said of a pod that the webhook was not asked about.
const unasked = `leaseholder.dev/inject is "true", but the pod has no election sidecar`

// denied says what is wrong with an answer that must be our policy's refusal.
func denied(a answer) error {
	if !apierrors.IsForbidden(a.err) || !strings.Contains(a.message(), unasked) {
		return fmt.Errorf("not refused: %w", a.err)
	}
	return nil
}

// warnedOf says what is wrong with an answer that must let the pod in as it is, with
// a warning.
func warnedOf(a answer) error {
	if a.err != nil {
		return a.err
	}
	if !strings.Contains(strings.Join(a.warnings, "\n"), unasked) || sidecarIn(a) {
		return fmt.Errorf("with the sidecar: %v, with the warnings %q", sidecarIn(a), a.warnings)
	}
	return nil
}

func sidecarIn(a answer) bool {
	return strings.Contains(string(a.raw), injectortest.Image) || strings.Contains(string(a.raw), injectortest.CloudImage)
}

// silent says what is wrong with an answer that must let the pod in and say nothing.
func silent(a answer, sidecar bool) error {
	if a.err != nil {
		return a.err
	}
	if sidecarIn(a) != sidecar || len(a.warnings) > 0 {
		return fmt.Errorf("with the sidecar: %v, with the warnings %q", sidecarIn(a), a.warnings)
	}
	return nil
}

// TestPodsThatAnotherWebhookAnnotates is about the order in which the API server asks:
// it asks nobody for the first time because of what a later one has changed.
func TestPodsThatAnotherWebhookAnnotates(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(webhooktest.Values)
		// judge is about a pod that the webhook was not asked about, gone about one that
		// it does not answer about.
		judge, gone func(answer) error
	}{
		{
			"Fail", func(webhooktest.Values) {}, denied,
			func(a answer) error {
				if a.err == nil || !strings.Contains(a.message(), "failed calling webhook") {
					return fmt.Errorf("not refused: %w", a.err)
				}
				return nil
			},
		},
		{
			"Ignore", func(v webhooktest.Values) {
				if w, ok := v["webhook"].(webhooktest.Values); ok {
					w["failurePolicy"] = "Ignore"
				}
			},
			warnedOf, warnedOf,
		},
	} {
		t.Run(c.name, func(t *testing.T) { tryOrder(t, strings.ToLower(c.name), c.change, c.judge, c.gone) })
	}
}

func tryOrder(t *testing.T, name string, change func(webhooktest.Values), judge, gone func(answer) error) {
	stop := serve(t, change)
	late := newPlace(t, "late-"+name, nil, nil)
	early := newPlace(t, "early-"+name, nil, nil)
	required := newPlace(t, "required-"+name, map[string]string{injector.LabelInjection: string(injector.Require)}, nil)
	annotate(t, after, late)
	annotate(t, before, early)
	annotate(t, after+"-2", required)
	create := func(ctx context.Context, p place, pod string) answer { return p.create(ctx, []byte(pod), dryRun) }

	webhooktest.Eventually(t, "a pod that is annotated too late", func(ctx context.Context) error {
		return judge(create(ctx, late, plainPod))
	})
	webhooktest.Eventually(t, "a pod that is annotated in time", func(ctx context.Context) error {
		return silent(create(ctx, early, plainPod), true)
	})
	webhooktest.Eventually(t, "a pod that is annotated too late, where its namespace requires the sidecar", func(ctx context.Context) error {
		a := create(ctx, required, plainPod)
		if err := silent(a, true); err != nil {
			return err
		}
		if !strings.Contains(string(a.raw), injector.AnnotationInject) {
			return errors.New("nobody has annotated it yet")
		}
		return nil
	})
	other, excluded := newPlace(t, "other-"+name, nil, nil), newPlace(t, excluded+name, nil, nil)
	for what, err := range map[string]error{
		"a pod that asks":                             silent(create(t.Context(), other, annotatedPod), true),
		"a pod that does not ask":                     silent(create(t.Context(), other, plainPod), false),
		"a pod that asks for no sidecar":              silent(create(t.Context(), other, strings.Replace(annotatedPod, `"true"`, `"false"`, 1)), false),
		"a pod that asks in a namespace of no leader": silent(create(t.Context(), excluded, annotatedPod), false),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}

	stop()
	if err := gone(create(t.Context(), other, annotatedPod)); err != nil {
		t.Errorf("a pod that asks while nobody answers: %v", err)
	}
	if err := silent(create(t.Context(), other, plainPod), false); err != nil {
		t.Errorf("a pod that does not ask while nobody answers: %v", err)
	}
}
