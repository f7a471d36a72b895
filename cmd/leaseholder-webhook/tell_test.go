package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// told lists the reasons of the Events on the controller that owned gives, once
// for each Event.
func told(ctx context.Context, namespace string) ([]string, error) {
	var list eventsv1.EventList
	if err := cluster.Admin.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	var reasons []string
	for _, e := range list.Items {
		if e.Regarding.Kind == "StatefulSet" && e.Regarding.Name == "db" {
			reasons = append(reasons, e.Reason)
		}
	}
	return reasons, nil
}

func TestOwnersAreToldOfRefusals(t *testing.T) {
	serving(t)
	n := cluster.NewNamespace(t)
	refused := func(opts ...client.CreateOption) {
		t.Helper()
		wrong := annotated(n, "wrong", "No Label")
		owned(wrong)
		if err := cluster.Admin.Create(t.Context(), wrong, opts...); !apierrors.IsForbidden(err) {
			t.Fatalf("got %v", err)
		}
	}
	refused(client.DryRunAll)
	// What comes last is told, so that what came before would have been.
	other := annotated(n, "other", "orders")
	other.Annotations[injector.AnnotationPort] = "0"
	owned(other)
	other.OwnerReferences[0].Name = "another"
	if err := cluster.Admin.Create(t.Context(), other); !apierrors.IsForbidden(err) {
		t.Fatalf("got %v", err)
	}
	webhooktest.Eventually(t, "an event on another owner", func(ctx context.Context) error {
		var list eventsv1.EventList
		if err := cluster.Admin.List(ctx, &list, client.InNamespace(n)); err != nil || len(list.Items) == 1 {
			return err
		}
		return errors.New("not one event")
	})
	if reasons, err := told(t.Context(), n); err != nil || len(reasons) > 0 {
		t.Errorf("a dry run was told: %v %v", reasons, err)
	}
	// A controller tries again and again.
	for range 5 {
		refused()
	}
	webhooktest.Eventually(t, "an event with the reason", func(ctx context.Context) error {
		reasons, err := told(ctx, n)
		if err == nil && (len(reasons) != 1 || reasons[0] != string(injector.InvalidValue)) {
			err = fmt.Errorf("told %v", reasons)
		}
		return err
	})
	// As the documentation says to look for them.
	var list corev1.EventList
	if err := cluster.Admin.List(t.Context(), &list, client.InNamespace(n), client.MatchingFields{"reportingComponent": "leaseholder.dev/webhook"}); err != nil || len(list.Items) != 2 {
		t.Errorf("%d events by the reporting component: %v", len(list.Items), err)
	}
}

// warnings are those that the API server sends.
type warnings []string

func (w *warnings) HandleWarningHeader(_ int, _, text string) { *w = append(*w, text) }

func TestWhoCreatesAPodThatIsLeftAloneIsWarned(t *testing.T) {
	serving(t)
	n := cluster.NewLabelledNamespace(t, map[string]string{injector.LabelInjection: string(injector.Default)})
	var got warnings
	config := rest.CopyConfig(cluster.Config)
	config.WarningHandler = &got
	c, err := client.New(config, client.Options{Scheme: view.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Create(t.Context(), webhooktest.Pod(n, "bare"), client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || !strings.Contains(got[0], injector.AnnotationElection) {
		t.Errorf("warned: %q", got)
	}

	pod := webhooktest.Pod(n, "app")
	owned(pod)
	pod.Spec.NodeSelector = map[string]string{corev1.LabelOSStable: string(corev1.Windows)}
	if err := cluster.Admin.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	webhooktest.Eventually(t, "an event on the owner of one that has a controller", func(ctx context.Context) error {
		reasons, err := told(ctx, n)
		if err == nil && (len(reasons) != 1 || reasons[0] != string(injector.CannotInject)) {
			err = fmt.Errorf("told %v", reasons)
		}
		return err
	})
}
