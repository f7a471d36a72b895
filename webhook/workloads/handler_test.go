package workloads_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/workloads"
)

// budgets has one budget of all pods, and counts the questions.
type budgets struct {
	client.Reader
	err   error
	asked []string
	until time.Time
}

func (b *budgets) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	var o client.ListOptions
	o.ApplyOptions(options)
	b.asked = append(b.asked, o.Namespace)
	b.until, _ = ctx.Deadline()
	if err := ctx.Err(); err != nil {
		return err
	}
	if found, ok := list.(*policyv1.PodDisruptionBudgetList); ok {
		found.Items = []policyv1.PodDisruptionBudget{{
			ObjectMeta: metav1.ObjectMeta{Name: "one-stays"},
			Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: new(intstr.FromInt32(1)), Selector: &metav1.LabelSelector{}},
		}}
	}
	return b.err
}

// deployment is one with annotations in its template, of which a rolling update
// would go well.
func deployment(t *testing.T, annotations map[string]string) []byte {
	t.Helper()
	raw, err := json.Marshal(map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "orders"},
		"spec": map[string]any{
			"replicas": 3, "progressDeadlineSeconds": 2147483647,
			"strategy": map[string]any{"rollingUpdate": map[string]any{"maxUnavailable": "100%"}},
			"template": map[string]any{
				"metadata": map[string]any{"annotations": annotations},
				"spec":     map[string]any{"containers": []any{map[string]any{"name": "app"}}},
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func request(raw []byte) admission.Request {
	return admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{
		Operation: admissionv1.Create, Namespace: "shop", Object: runtime.RawExtension{Raw: raw},
	}}
}

func TestHandle(t *testing.T) {
	inject := map[string]string{injector.AnnotationInject: "true"}
	unready := map[string]string{injector.AnnotationInject: "true", injector.AnnotationStandby: "unready"}
	wrong := map[string]string{injector.AnnotationInject: "true", injector.AnnotationPort: "0", injector.AnnotationPriority: "high"}
	settings := injector.Settings{Image: "sidecar:1", Resources: injectortest.Resources()}
	decide := func(_ context.Context, ns injector.Namespace, pod *corev1.Pod, _ bool) injector.Decision {
		return injector.Decide(ns, pod, settings)
	}
	replacing := func(ctx context.Context, ns injector.Namespace, pod *corev1.Pod, replaces bool) injector.Decision {
		if !replaces {
			return injector.Decision{Outcome: injector.Refused, Reason: "OtherLock", Message: "leaseholder refuses this pod: beside others"}
		}
		return decide(ctx, ns, pod, replaces)
	}
	for name, c := range map[string]struct {
		object  []byte
		policy  injector.Policy
		budgets budgets
		decide  func(context.Context, injector.Namespace, *corev1.Pod, bool) injector.Decision
		change  func(*admission.Request)
		// warnings are pieces of each, reasons those counted, and log a piece of it.
		warnings []string
		reasons  []string
		asked    []string
		log      string
	}{
		"nothing to say": {object: deployment(t, inject)},
		"every fault has its warning": {
			object: deployment(t, wrong), warnings: []string{injector.AnnotationPort, injector.AnnotationPriority},
			reasons: []string{"InvalidValue=2"},
		},
		"the namespace's policy counts": {
			object: deployment(t, inject), policy: injector.Forbid,
			warnings: []string{`namespace "shop"`}, reasons: []string{"InjectionForbidden=1"},
		},
		"what only the cluster knows": {
			object: deployment(t, inject),
			decide: func(context.Context, injector.Namespace, *corev1.Pod, bool) injector.Decision {
				return injector.Decision{Outcome: injector.Refused, Reason: "ForeignLease", Message: "leaseholder refuses this pod: it is theirs"}
			},
			warnings: []string{"leaseholder: the pods are refused: it is theirs"}, reasons: []string{"ForeignLease=1"},
		},
		"pods that come beside those there are": {
			object: deployment(t, inject), decide: replacing,
			warnings: []string{"leaseholder: the pods are refused: beside others"}, reasons: []string{"OtherLock=1"},
		},
		"pods that come when all others have ended": {
			object: bytes.Replace(deployment(t, inject), []byte(`"strategy":{`), []byte(`"strategy":{"type":"Recreate",`), 1), decide: replacing,
		},
		"budgets are read for unready standbys alone": {
			object: deployment(t, unready), asked: []string{"shop"},
			warnings: []string{"unless other pods of the budget are Ready: PodDisruptionBudget one-stays"}, reasons: []string{"BudgetHoldsLeader=1"},
		},
		"budgets that can't be read are logged": {
			object: deployment(t, unready), budgets: budgets{err: errors.New("no answer")}, asked: []string{"shop"}, log: "no answer",
		},
		"a workload that is deleted": {
			object: bytes.Replace(deployment(t, wrong), []byte(`"name":"orders"`), []byte(`"name":"orders","deletionTimestamp":"2026-01-01T00:00:00Z"`), 1),
		},
		"an update": {
			object: deployment(t, wrong), change: func(r *admission.Request) { r.Operation = admissionv1.Update },
			warnings: []string{injector.AnnotationPort, injector.AnnotationPriority}, reasons: []string{"InvalidValue=2"},
		},
		"a deletion":       {object: deployment(t, wrong), change: func(r *admission.Request) { r.Operation = admissionv1.Delete }},
		"a subresource":    {object: deployment(t, wrong), change: func(r *admission.Request) { r.SubResource = "status" }},
		"another kind":     {object: []byte(`{"apiVersion":"v1","kind":"Pod"}`)},
		"no JSON":          {object: []byte("?"), log: "could not check"},
		"no object at all": {log: "could not check"},
	} {
		t.Run(name, func(t *testing.T) {
			registry := prometheus.NewRegistry()
			findings, err := workloads.NewFindings(registry)
			if err != nil {
				t.Fatal(err)
			}
			if c.decide == nil {
				c.decide = decide
			}
			var log bytes.Buffer
			h := workloads.NewHandler(workloads.Options{
				Decide: c.decide, Budgets: &c.budgets, Findings: findings, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			r := request(c.object)
			if c.change != nil {
				c.change(&r)
			}
			got := h.Handle(t.Context(), c.policy, r)
			if !got.Allowed || len(got.Patches) > 0 {
				t.Errorf("allowed %v, %d operations", got.Allowed, len(got.Patches))
			}
			if len(got.Warnings) != len(c.warnings) {
				t.Fatalf("warnings %q", got.Warnings)
			}
			for i, piece := range c.warnings {
				if !strings.Contains(got.Warnings[i], piece) {
					t.Errorf("warning %d lacks %q: %s", i, piece, got.Warnings[i])
				}
			}
			if counts := counted(t, registry); !slices.Equal(counts, c.reasons) {
				t.Errorf("counted %q", counts)
			}
			if !slices.Equal(c.budgets.asked, c.asked) {
				t.Errorf("asked for the budgets of %q", c.budgets.asked)
			}
			if !strings.Contains(log.String(), c.log) || (c.log == "") != (log.Len() == 0) {
				t.Errorf("log: %s", &log)
			}
		})
	}
}

func TestAllLookupsShareOneDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var until time.Time
		var b budgets
		h := workloads.NewHandler(workloads.Options{
			Budgets: &b, Logger: slog.New(slog.DiscardHandler),
			Decide: func(ctx context.Context, _ injector.Namespace, _ *corev1.Pod, _ bool) injector.Decision {
				until, _ = ctx.Deadline()
				<-ctx.Done() // the Lease takes as long as it may
				return injector.Decision{Outcome: injector.Refused, Reason: "ForeignLease", Message: "theirs", Standby: config.StandbyUnready}
			},
		})
		ended, cancel := context.WithCancel(t.Context())
		cancel() // as when the server ends
		got := h.Handle(ended, injector.Unlabelled, request(deployment(t, nil)))
		if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "theirs") {
			t.Errorf("warnings %q", got.Warnings)
		}
		if took := time.Since(begin); took != time.Second || !until.Equal(b.until) || !until.Equal(begin.Add(took)) {
			t.Errorf("it took %s, with the deadlines %s and %s", took, until.Sub(begin), b.until.Sub(begin))
		}
	})
}

// counted is what the counter holds, as REASON=NUMBER.
func counted(t *testing.T, registry *prometheus.Registry) []string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var counts []string
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			counts = append(counts, fmt.Sprintf("%s=%g", metric.GetLabel()[0].GetValue(), metric.GetCounter().GetValue()))
		}
	}
	return counts
}

// paths collects where a handler is asked.
type paths []string

func (p *paths) Register(path string, _ http.Handler) { *p = append(*p, path) }

func TestEveryPolicyHasAPath(t *testing.T) {
	var p paths
	workloads.NewHandler(workloads.Options{}).Register(&p)
	want := []string{"/check-workloads/forbid", "/check-workloads/require", "/check-workloads/default", "/check-workloads"}
	if !slices.Equal(p, want) {
		t.Errorf("it is asked at %q", p)
	}
}
