package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook"
	"github.com/leaseholder-dev/leaseholder/webhook/onelock"
	"github.com/leaseholder-dev/leaseholder/webhook/ownership"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// leases is who made the Leases that a test knows of; it counts the questions.
type leases struct {
	foreign map[string]bool
	err     error
	asked   []string
}

func (l *leases) Foreign(_ context.Context, namespace, name string) (bool, error) {
	l.asked = append(l.asked, namespace+"/"+name)
	return l.foreign[namespace+"/"+name], l.err
}

// elections is whose the elections are that a test knows of, and who stands in
// them.
type elections struct {
	workload string
	members  []ownership.Member
	other    *onelock.Other
	shared   view.Election
	err      error
}

func (e elections) Record(context.Context, view.Election) (ownership.Record, error) {
	return ownership.Of(&metav1.ObjectMeta{Annotations: map[string]string{ownership.Annotation: e.workload}}), e.err
}

func (e elections) Members(context.Context, view.Election) ([]ownership.Member, error) {
	return e.members, e.err
}

func (e elections) OtherLock(_ context.Context, _ view.Election, lock config.LockAddress, workload string) (*onelock.Other, bool, error) {
	if e.err != nil || e.other == nil || e.other.Lock == lock || workload == "deployment/app" {
		return nil, false, e.err
	}
	return e.other, true, nil
}

func (e elections) SharedLock(_ context.Context, of view.Election, lock config.LockAddress, workload string) (view.Election, bool, error) {
	if lock.InCluster() || workload == "" && of.Name == "" {
		return view.Election{}, false, errors.New("it is asked for nothing")
	}
	return e.shared, e.shared != view.Election{}, e.err
}

// Of two elections with one object, one has no leader.
func TestAnotherElectionWithTheSameLockIsWarnedOf(t *testing.T) {
	const address = "gs://shop-locks/orders"
	for name, c := range map[string]struct {
		lock      string
		elections elections
		says      string
	}{
		"nobody else":                     {lock: address},
		"another election":                {lock: address, elections: elections{shared: view.Election{Namespace: "shop", Name: "payments"}}, says: `is that of election "payments", too`},
		"one of another namespace":        {lock: address, elections: elections{shared: view.Election{Namespace: "secret", Name: "payments"}}, says: "an election in another namespace, too"},
		"a lock in the cluster":           {lock: "lease", elections: elections{shared: view.Election{Namespace: "shop", Name: "payments"}}},
		"pods that nobody knows anything": {lock: address, elections: elections{err: errors.New("no answer")}},
	} {
		t.Run(name, func(t *testing.T) {
			h := webhook.NewHandler(webhook.Options{Settings: settings(), Leases: &leases{}, Elections: c.elections, Logger: slog.New(slog.DiscardHandler)})
			pod := annotatedPod()
			pod.Annotations[injector.AnnotationLock], pod.Annotations[injector.AnnotationLockSecret] = address, "orders-lock"
			if c.lock != address {
				pod.Annotations = map[string]string{injector.AnnotationInject: "true", injector.AnnotationElection: "orders", injector.AnnotationLock: c.lock}
			}
			d := h.Decide(t.Context(), injector.Namespace{Name: "shop"}, pod, false)
			if d.Outcome != injector.Injected {
				t.Fatalf("%s: %s", d.Reason, d.Message)
			}
			warned := strings.Join(d.Warnings, "\n")
			if !strings.Contains(warned, c.says) || (c.says == "") != (warned == "") || strings.Contains(warned, "secret") {
				t.Errorf("it warns %q", warned)
			}
			template, err := injector.ReadTemplate([]byte(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"app"}}`))
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, f := range injector.InspectDecided(d, template).Findings {
				if f.Reason == onelock.ReasonShared {
					found = append(found, f.Message)
				}
			}
			if told := strings.Join(found, "\n"); told != "" != (c.says != "") || c.says != "" && told != "leaseholder: "+warned {
				t.Errorf("of the workload it says %q", told)
			}
		})
	}
}

// With two locks, an election would have two leaders.
func TestAnotherLockThanThatOfTheElectionIsRefused(t *testing.T) {
	const address = "gs://shop-locks/orders"
	there := func(address string) elections {
		lock, ok := config.ParseLock(address)
		if !ok {
			t.Fatal(address)
		}
		return elections{workload: "deployment/app", other: &onelock.Other{Pod: "app-0", Lock: lock}}
	}
	for name, c := range map[string]struct {
		policy    injector.Policy
		lock      string
		elections elections
		replaces  bool
		reason    injector.Reason
	}{
		"the same lock":                                {lock: address, elections: there(address), reason: injector.Annotated},
		"the default lock, which all have":             {elections: there("lease"), reason: injector.Annotated},
		"another lock":                                 {lock: address, elections: there("lease"), reason: onelock.Reason},
		"the default lock where others have another":   {elections: there(address), reason: onelock.Reason},
		"an object beside that of the others":          {lock: "gs://shop-locks/order", elections: there(address), reason: onelock.Reason},
		"another lock, when the pods with it are gone": {lock: address, elections: there("lease"), replaces: true, reason: injector.Annotated},
		"pods of which nothing can be found out":       {lock: address, elections: elections{workload: "deployment/app", err: errors.New("no answer")}, reason: injector.Annotated},
	} {
		t.Run(name, func(t *testing.T) {
			h := webhook.NewHandler(webhook.Options{
				Settings: settings(), Leases: &leases{}, Elections: c.elections, Logger: slog.New(slog.DiscardHandler),
			})
			pod := annotatedPod()
			delete(pod.Annotations, injector.AnnotationElection)
			pod.Labels, pod.OwnerReferences = map[string]string{"pod-template-hash": "7c9d8f6b5"}, owners()
			if c.lock != "" {
				pod.Annotations[injector.AnnotationLock] = c.lock
			}
			d := h.Decide(t.Context(), injector.Namespace{Name: "shop", Policy: c.policy}, pod, c.replaces)
			if d.Reason != c.reason {
				t.Errorf("%s: %s", d.Reason, d.Message)
			}
		})
	}
}

func TestAnElectionOfOthersIsRefused(t *testing.T) {
	inject := map[string]string{injector.AnnotationInject: "true"}
	named := map[string]string{injector.AnnotationInject: "true", injector.AnnotationElection: "deployment-app"}
	other := []ownership.Member{{Workload: "statefulset/db", Named: true}}
	for name, c := range map[string]struct {
		policy      injector.Policy
		annotations map[string]string
		owned       bool
		elections   elections
		reason      injector.Reason
	}{
		"its own":                               {annotations: inject, owned: true, elections: elections{workload: "deployment/app"}, reason: injector.Annotated},
		"its own, which it names":               {annotations: named, owned: true, elections: elections{workload: "deployment/app"}, reason: injector.Annotated},
		"another's":                             {annotations: named, elections: elections{workload: "deployment/app"}, reason: ownership.Reason},
		"one that all name":                     {annotations: named, elections: elections{members: other}, reason: injector.Annotated},
		"one that all others name":              {annotations: inject, owned: true, elections: elections{members: other}, reason: ownership.Reason},
		"one that all others name, by default":  {policy: injector.Default, owned: true, elections: elections{members: other}, reason: injector.CannotInject},
		"one that all others name, by decree":   {policy: injector.Require, owned: true, elections: elections{members: other}, reason: ownership.Reason},
		"one of which nothing can be found out": {annotations: named, elections: elections{workload: "deployment/app", err: errors.New("no answer")}, reason: injector.Annotated},
	} {
		t.Run(name, func(t *testing.T) {
			h := webhook.NewHandler(webhook.Options{
				Settings: settings(), Leases: &leases{}, Elections: c.elections, Logger: slog.New(slog.DiscardHandler),
			})
			got := h.Handle(webhook.WithPolicy(t.Context(), c.policy), request(t, "shop", c.annotations, func(pod *corev1.Pod) {
				if c.owned {
					pod.Labels = map[string]string{"pod-template-hash": "7c9d8f6b5"}
					pod.OwnerReferences = owners()
				}
			}))
			if got.AuditAnnotations["reason"] != string(c.reason) || got.Allowed != (c.reason != ownership.Reason) {
				t.Errorf("allowed %v, audited as %v", got.Allowed, got.AuditAnnotations)
			}
		})
	}
}

func settings() injector.Settings {
	few := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("24Mi")}
	resources := corev1.ResourceRequirements{Requests: few, Limits: few}
	return injector.Settings{Image: "sidecar:1", Resources: resources, CloudImage: "sidecar-cloud:1", CloudResources: resources}
}

func request(t testing.TB, namespace string, annotations map[string]string, change ...func(*corev1.Pod)) admission.Request {
	t.Helper()
	pod := corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{GenerateName: "app-", Annotations: annotations},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app"}}},
	}
	for _, f := range change {
		f(&pod)
	}
	raw, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	return admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{
		Operation: admissionv1.Create,
		Namespace: namespace,
		Resource:  metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
		Object:    runtime.RawExtension{Raw: raw},
	}}
}

func TestHandle(t *testing.T) {
	inject := map[string]string{injector.AnnotationInject: "true", injector.AnnotationElection: "orders"}
	for name, c := range map[string]struct {
		namespace   string
		policy      injector.Policy
		annotations map[string]string
		// owned pods have a controller.
		owned  bool
		leases leases
		// unmanaged says that an administrator makes the Leases.
		unmanaged bool
		// refused is what the refusal's message holds; nil for a pod let in.
		refused []string
		patched bool
		reason  injector.Reason
	}{
		"a pod that asks is injected":                {namespace: "shop", annotations: inject, patched: true, reason: injector.Annotated},
		"a pod that does not ask is let in as it is": {namespace: "shop", reason: injector.NotAnnotated},
		"a refusal names every fault": {
			namespace:   "shop",
			annotations: map[string]string{injector.AnnotationInject: "true", injector.AnnotationElection: "No Label", injector.AnnotationPort: "0"},
			refused:     []string{injector.AnnotationElection, "No Label", injector.AnnotationPort}, reason: injector.InvalidValue,
		},
		"a stranger's lease is refused": {
			namespace: "shop", annotations: inject, leases: leases{foreign: map[string]bool{"shop/orders": true}},
			refused: []string{`"orders"`, `"shop"`, "app.kubernetes.io/managed-by=leaseholder"}, reason: webhook.ReasonForeignLease,
		},
		"a lease without the label is refused where an administrator makes them": {
			namespace: "shop", annotations: inject, leases: leases{foreign: map[string]bool{"shop/orders": true}}, unmanaged: true,
			refused: []string{`"orders"`, `"shop"`, "without the label app.kubernetes.io/managed-by=leaseholder"}, reason: webhook.ReasonForeignLease,
		},
		"a lease that can't be read lets the pod in":    {namespace: "shop", annotations: inject, leases: leases{err: errors.New("no answer")}, patched: true, reason: injector.Annotated},
		"an excluded namespace is refused":              {namespace: "kube-system", annotations: inject, refused: []string{`"kube-system"`}, reason: webhook.ReasonExcluded},
		"an excluded namespace's other pods are let in": {namespace: "kube-system", reason: injector.NotAnnotated},
		"a namespace that requires it":                  {namespace: "shop", policy: injector.Require, owned: true, patched: true, reason: injector.NamespaceInjects},
		"a namespace that gives it by default":          {namespace: "shop", policy: injector.Default, owned: true, patched: true, reason: injector.NamespaceInjects},
		"a namespace that forbids it": {
			namespace: "shop", policy: injector.Forbid, annotations: inject,
			refused: []string{injector.LabelInjection, string(injector.Forbid)}, reason: injector.InjectionForbidden,
		},
		"an excluded namespace gives nothing by its label": {namespace: "kube-system", policy: injector.Require, owned: true, reason: injector.NotAnnotated},
		"a stranger's lease is refused where the sidecar is required": {
			namespace: "shop", policy: injector.Require, owned: true, leases: leases{foreign: map[string]bool{"shop/deployment-app": true}},
			refused: []string{`"deployment-app"`}, reason: webhook.ReasonForeignLease,
		},
		"a pod that can't have the lease of its namespace's sidecar is left alone": {
			namespace: "shop", policy: injector.Default, owned: true, leases: leases{foreign: map[string]bool{"shop/deployment-app": true}},
			reason: injector.CannotInject,
		},
		"a pod that names a stranger's lease itself is refused": {
			namespace: "shop", policy: injector.Default, annotations: map[string]string{injector.AnnotationElection: "orders"},
			leases:  leases{foreign: map[string]bool{"shop/orders": true}},
			refused: []string{`"orders"`}, reason: webhook.ReasonForeignLease,
		},
	} {
		t.Run(name, func(t *testing.T) {
			registry := prometheus.NewRegistry()
			decisions, err := webhook.NewDecisions(registry)
			if err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			h := webhook.NewHandler(webhook.Options{
				Settings:  settings(),
				Leases:    &c.leases,
				Unmanaged: c.unmanaged,
				Excluded:  func(namespace string) bool { return strings.HasPrefix(namespace, "kube-") },
				Decisions: decisions,
				Logger:    slog.New(slog.NewTextHandler(&log, nil)),
			})
			got := h.Handle(webhook.WithPolicy(t.Context(), c.policy), request(t, c.namespace, c.annotations, func(pod *corev1.Pod) {
				if c.owned {
					pod.Labels = map[string]string{"pod-template-hash": "7c9d8f6b5"}
					pod.OwnerReferences = owners()
				}
			}))
			if got.Allowed != (c.refused == nil) || (len(got.Patch) > 0) != c.patched {
				t.Errorf("allowed %v with the patch %s: %+v", got.Allowed, got.Patch, got.Result)
			}
			for _, part := range c.refused {
				if !strings.Contains(got.Result.Message, part) {
					t.Errorf("the message lacks %q: %s", part, got.Result.Message)
				}
			}
			if got.AuditAnnotations["reason"] != string(c.reason) {
				t.Errorf("audited as %v", got.AuditAnnotations)
			}
			if lines := strings.Count(log.String(), "refused a pod"); lines != min(len(c.refused), 1) {
				t.Errorf("%d lines: %s", lines, log.String())
			}
			if sum, reason := counted(t, registry); sum != 1 || reason != string(c.reason) {
				t.Errorf("counted %g times, reason %q", sum, reason)
			}
		})
	}
}

// counted sums the counter of decisions, and gives the last reason in it.
func counted(t *testing.T, registry *prometheus.Registry) (sum float64, reason string) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			sum += metric.GetCounter().GetValue()
			for _, label := range metric.GetLabel() {
				if label.GetName() == "reason" {
					reason = label.GetValue()
				}
			}
		}
	}
	return sum, reason
}

func TestOnlyTheCreationOfPodsIsAnsweredFor(t *testing.T) {
	l := &leases{}
	h := webhook.NewHandler(webhook.Options{Settings: settings(), Leases: l})
	for name, change := range map[string]func(r *admission.Request){
		"an update":    func(r *admission.Request) { r.Operation = admissionv1.Update },
		"an eviction":  func(r *admission.Request) { r.SubResource = "eviction" },
		"a Deployment": func(r *admission.Request) { r.Resource.Resource = "deployments" },
	} {
		r := request(t, "shop", map[string]string{injector.AnnotationInject: "true", injector.AnnotationElection: "orders"})
		change(&r)
		if got := h.Handle(t.Context(), r); !got.Allowed || len(got.Patch) > 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for name, raw := range map[string][]byte{"nothing": nil, "no JSON": []byte("?"), "another shape": []byte(`{"spec":[]}`)} {
		r := request(t, "shop", nil)
		r.Object.Raw = raw
		if got := h.Handle(t.Context(), r); got.Allowed {
			t.Errorf("%s is let in", name)
		}
	}
	if len(l.asked) > 0 {
		t.Errorf("looked at the leases %v", l.asked)
	}
}
