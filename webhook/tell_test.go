package webhook_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook"
	"github.com/leaseholder-dev/leaseholder/webhook/event"
)

// offered is what was offered to be told.
type offered []event.Event

func (o *offered) Offer(e event.Event) { *o = append(*o, e) }

func TestWhoIsTold(t *testing.T) {
	wrong := map[string]string{injector.AnnotationInject: "true", injector.AnnotationPort: "0"}
	const owner, warning, nobody = "owner", "warning", "nobody"
	for name, c := range map[string]struct {
		policy      injector.Policy
		annotations map[string]string
		owned       bool
		dryRun      bool
		told        string
		reason      injector.Reason
	}{
		"a refused pod's controller":               {annotations: wrong, owned: true, told: owner, reason: injector.InvalidValue},
		"nobody of a dry run":                      {annotations: wrong, owned: true, dryRun: true, told: nobody},
		"nobody but who creates a refused pod":     {annotations: wrong, told: nobody},
		"who creates a pod that is left alone":     {policy: injector.Default, told: warning},
		"who tries a pod that is left alone":       {policy: injector.Default, dryRun: true, told: warning},
		"nobody of a pod that gets what it wants":  {policy: injector.Default, owned: true, told: nobody},
		"nobody of a pod that wants nothing":       {owned: true, told: nobody},
		"nobody of a pod that wants to be skipped": {policy: injector.Require, annotations: map[string]string{injector.AnnotationInject: "false"}, owned: true, told: nobody},
	} {
		t.Run(name, func(t *testing.T) {
			var events offered
			h := webhook.NewHandler(webhook.Options{Settings: settings(), Leases: &leases{}, Events: &events})
			r := request(t, "shop", c.annotations, func(pod *corev1.Pod) {
				if c.owned {
					pod.OwnerReferences = owners()
				}
			})
			r.DryRun = &c.dryRun
			got := h.Handle(webhook.WithPolicy(t.Context(), c.policy), r)
			if len(events) != strings.Count(c.told, owner) || len(got.Warnings) != strings.Count(c.told, warning) {
				t.Fatalf("%d events, warnings %q", len(events), got.Warnings)
			}
			for _, w := range got.Warnings {
				if !strings.Contains(w, injector.AnnotationElection) {
					t.Errorf("warned: %s", w)
				}
			}
			for _, e := range events {
				want := corev1.ObjectReference{APIVersion: "apps/v1", Kind: "ReplicaSet", Namespace: "shop", Name: "app-7c9d8f6b5", UID: "u"}
				if e.Regarding != want || e.Reason != string(c.reason) || e.Note != got.Result.Message || e.Type != corev1.EventTypeWarning {
					t.Errorf("told %+v", e)
				}
			}
		})
	}
}

func owners() []metav1.OwnerReference {
	return []metav1.OwnerReference{
		{APIVersion: "v1", Kind: "ConfigMap", Name: "app", UID: types.UID("another")},
		{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "app-7c9d8f6b5", UID: types.UID("u"), Controller: new(true)},
	}
}

func TestANoteTellsAsMuchAsAnEventKeeps(t *testing.T) {
	var events offered
	h := webhook.NewHandler(webhook.Options{Settings: settings(), Leases: &leases{}, Events: &events})
	long := map[string]string{injector.AnnotationInject: "true"}
	for _, key := range injector.Annotations() {
		if key != injector.AnnotationInject {
			long[key] = strings.Repeat("?", 90)
		}
	}
	got := h.Handle(t.Context(), request(t, "shop", long, func(pod *corev1.Pod) { pod.OwnerReferences = owners() }))
	if len(events) != 1 || len(got.Result.Message) <= event.MaxNote {
		t.Fatalf("%d events of a message of %d bytes", len(events), len(got.Result.Message))
	}
	if note := events[0].Note; len(note) > event.MaxNote || !strings.HasSuffix(note, "more faults") {
		t.Errorf("a note of %d bytes: %s", len(note), note)
	}
}
