package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// serving starts one replica, and waits until the API server asks it.
func serving(t *testing.T, change ...func(*options)) *replica {
	t.Helper()
	r := newReplica(t, "only", change...)
	install(t, newBalancer(t, r))
	n := cluster.NewNamespace(t)
	webhooktest.Eventually(t, "pods get their sidecar", func(ctx context.Context) error {
		_, err := selftest(ctx, cluster.Admin, n)
		return err
	})
	return r
}

// owned gives a pod a controller.
func owned(pod *corev1.Pod) {
	pod.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "apps/v1", Kind: "StatefulSet", Name: "db", UID: "11111111-2222-3333-4444-555555555555", Controller: new(true),
	}}
}

func injected(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool { return c.Name == injector.ContainerName })
}

func TestNamespacePolicies(t *testing.T) {
	// Such a namespace is older than the policy that refuses its label.
	old := cluster.NewLabelledNamespace(t, map[string]string{injector.LabelInjection: "Require"})
	serving(t)
	annotate := func(annotations map[string]string) func(*corev1.Pod) {
		return func(pod *corev1.Pod) { pod.Annotations = annotations }
	}
	sidecar := func(pod *corev1.Pod) {
		pod.Spec.InitContainers = []corev1.Container{{
			Name: injector.ContainerName, Image: "sidecar:1", RestartPolicy: new(corev1.ContainerRestartPolicyAlways),
			Env: []corev1.EnvVar{{Name: "LEASEHOLDER_ELECTION", Value: "orders"}},
		}}
	}
	ask := annotate(map[string]string{injector.AnnotationInject: "true", injector.AnnotationElection: "orders"})
	refrain := annotate(map[string]string{injector.AnnotationInject: "false"})
	name := annotate(map[string]string{injector.AnnotationElection: "orders"})
	namespaces := map[injector.Policy]string{injector.Unlabelled: cluster.NewNamespace(t), "Require": old}
	for _, policy := range injector.Policies() {
		namespaces[policy] = cluster.NewLabelledNamespace(t, map[string]string{injector.LabelInjection: string(policy)})
	}
	const injects, leaves = "injects", "leaves"
	for _, c := range []struct {
		policy injector.Policy
		pod    string
		change []func(*corev1.Pod)
		// want is what becomes of the pod: injects, leaves, or a piece of the refusal.
		want string
	}{
		{injector.Unlabelled, "nothing said", []func(*corev1.Pod){owned}, leaves},
		{injector.Unlabelled, "a sidecar asked for", []func(*corev1.Pod){ask}, injects},
		{injector.Unlabelled, "no inject", []func(*corev1.Pod){name}, injector.AnnotationInject},
		{"Require", "nothing said", []func(*corev1.Pod){owned}, leaves},
		{"Require", "a sidecar asked for", []func(*corev1.Pod){ask}, injects},
		{injector.Require, "nothing said", []func(*corev1.Pod){owned}, injects},
		{injector.Require, "no inject", []func(*corev1.Pod){name}, injects},
		{injector.Require, "nothing said and no controller", nil, injector.AnnotationElection},
		{injector.Require, "no sidecar wanted", []func(*corev1.Pod){owned, refrain}, leaves},
		{injector.Require, "a sidecar brought along that is not wanted", []func(*corev1.Pod){refrain, sidecar}, "spec.initContainers[0].name"},
		{injector.Require, "a mirror pod", []func(*corev1.Pod){annotate(map[string]string{corev1.MirrorPodAnnotationKey: "x"})}, leaves},
		{injector.Default, "nothing said", []func(*corev1.Pod){owned}, injects},
		{injector.Default, "nothing said and no controller", nil, leaves},
		{injector.Default, "no sidecar wanted", []func(*corev1.Pod){owned, refrain}, leaves},
		{injector.Default, "a wrong annotation", []func(*corev1.Pod){owned, annotate(map[string]string{injector.AnnotationPort: "0"})}, injector.AnnotationPort},
		{injector.Forbid, "nothing said", []func(*corev1.Pod){owned}, leaves},
		{injector.Forbid, "no sidecar wanted", []func(*corev1.Pod){refrain}, leaves},
		{injector.Forbid, "a sidecar asked for", []func(*corev1.Pod){ask}, "leaseholder.dev/injection=forbid"},
		{injector.Forbid, "a sidecar brought along", []func(*corev1.Pod){sidecar}, "spec.initContainers[0].name"},
	} {
		t.Run(fmt.Sprintf("%q: %s", c.policy, c.pod), func(t *testing.T) {
			pod := webhooktest.Pod(namespaces[c.policy], "app")
			for _, f := range c.change {
				f(pod)
			}
			err := cluster.Admin.Create(t.Context(), pod, client.DryRunAll)
			switch {
			case c.want != injects && c.want != leaves:
				if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("no refusal that says %s: %v", c.want, err)
				}
			case err != nil:
				// Nobody but a kubelet makes a mirror pod, which shows that our part passed.
				if _, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]; !mirror || strings.Contains(err.Error(), "leaseholder") {
					t.Error(err)
				}
			case injected(pod) != (c.want == injects):
				t.Errorf("injected: %v", injected(pod))
			}
		})
	}
	t.Run("a namespace that is labelled later", func(t *testing.T) {
		n := cluster.NewNamespace(t)
		label(t, n, "require")
		webhooktest.Eventually(t, "its pods get the sidecar", func(ctx context.Context) error {
			pod := webhooktest.Pod(n, "app")
			owned(pod)
			err := cluster.Admin.Create(ctx, pod, client.DryRunAll)
			if err == nil && !injected(pod) {
				err = errors.New("not yet")
			}
			return err
		})
	})
	t.Run("a wrong label", func(t *testing.T) { wrongLabels(t, old) })
}

// setLabel sets a namespace's label; an empty value removes it.
func setLabel(ctx context.Context, namespace, value string) error {
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:%q}}}`, injector.LabelInjection, value)
	if value == "" {
		patch = fmt.Appendf(nil, `{"metadata":{"labels":{%q:null}}}`, injector.LabelInjection)
	}
	n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	return cluster.Admin.Patch(ctx, n, client.RawPatch(types.MergePatchType, patch))
}

func label(t *testing.T, namespace, value string) {
	t.Helper()
	if err := setLabel(t.Context(), namespace, value); err != nil {
		t.Fatal(err)
	}
}

// wrongLabels tries labels that say nothing. The old namespace has one.
func wrongLabels(t *testing.T, old string) {
	refused := func(err error, value string) error {
		if !apierrors.IsInvalid(err) {
			return fmt.Errorf("%q: not refused: %w", value, err)
		}
		for _, part := range []string{injector.LabelInjection, fmt.Sprintf("%q", value), injector.PolicyAllowed} {
			if !strings.Contains(err.Error(), part) {
				return fmt.Errorf("no %s in: %w", part, err)
			}
		}
		return nil
	}
	create := func(ctx context.Context, value string) error {
		n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-", Labels: map[string]string{injector.LabelInjection: value}}}
		return cluster.Admin.Create(ctx, n, client.DryRunAll)
	}
	webhooktest.Eventually(t, "it is refused in a new namespace", func(ctx context.Context) error {
		return errors.Join(refused(create(ctx, "Require"), "Require"), refused(create(ctx, ""), ""), refused(create(ctx, "true"), "true"))
	})
	n := cluster.NewNamespace(t)
	if err := refused(setLabel(t.Context(), n, "required"), "required"); err != nil {
		t.Errorf("it can be set: %v", err)
	}
	for _, policy := range injector.Policies() {
		label(t, n, string(policy))
	}
	label(t, n, "")

	other := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"team":"shop"}}}`))
	if err := cluster.Admin.Patch(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: old}}, other); err != nil {
		t.Errorf("a namespace that has a wrong label can't be changed any more: %v", err)
	}
	if err := refused(setLabel(t.Context(), old, "REQUIRE"), "REQUIRE"); err != nil {
		t.Errorf("it can be changed to another: %v", err)
	}
	label(t, old, "require")
	label(t, old, "")
}
