package attacks

import (
	"context"
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// TestASecretThatALockNames is one that whoever creates pods could mount: in the sidecar
// alone, and of the pod's own namespace.
func TestASecretThatALockNames(t *testing.T) {
	serve(t)
	n := cluster.NewNamespace(t)
	mallory := user(t, n, mayMakePods)
	named := func(p *corev1.Pod) {
		p.Annotations[injector.AnnotationLock] = "gs://locks-of-others/payments"
		p.Annotations[injector.AnnotationLockSecret] = "payments"
	}
	mounting := func(p *corev1.Pod) {
		p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: injector.LockVolume, MountPath: "/stolen"}}
	}
	if err := refused(mallory.Create(t.Context(), annotated(n, "thief", "orders", named, mounting)), "volumeMounts", injector.LockVolume); err != nil {
		t.Error(err)
	}
	pod := annotated(n, "a", "orders", named)
	if err := mallory.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		mounts := slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == injector.LockVolume })
		if mounts != (c.Name == injector.ContainerName) {
			t.Errorf("%s mounts it: %v", c.Name, mounts)
		}
	}
	if !slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Secret != nil && v.Secret.SecretName == "payments" }) {
		t.Errorf("its volumes are %v", pod.Spec.Volumes)
	}
}

// TestAnotherLockForAnElectionThatIsLed would have a leader of its own.
func TestAnotherLockForAnElectionThatIsLed(t *testing.T) {
	serve(t)
	n := cluster.NewNamespace(t)
	mallory := user(t, n, mayMakePods)
	victim := made(t, annotated(n, "victim", "orders"))
	lock := func(address string) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Annotations[injector.AnnotationLock] = address }
	}
	webhooktest.Eventually(t, "the webhook knows the first pod", func(ctx context.Context) error {
		return refused(mallory.Create(ctx, annotated(n, "thief", "orders", lock("gs://mallory/orders")), client.DryRunAll),
			`"orders"`, `"victim"`, `"lease"`, `"gs://mallory/orders"`, "Recreate")
	})
	for what, pod := range map[string]*corev1.Pod{
		"the same lock":    annotated(n, "mate", "orders", lock("lease")),
		"another election": annotated(n, "other", "payments", lock("gs://mallory/orders")),
	} {
		if err := mallory.Create(t.Context(), pod, client.DryRunAll); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := cluster.Admin.Delete(t.Context(), victim, client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
	webhooktest.Eventually(t, "an election without pods takes another lock", func(ctx context.Context) error {
		return mallory.Create(ctx, annotated(n, "next", "orders", lock("gs://mallory/orders")), client.DryRunAll)
	})
}

// TestALockThatAnotherElectionHas: the webhook finds it among the pods of all namespaces.
func TestALockThatAnotherElectionHas(t *testing.T) {
	elections := webhook.KnownElections{Cache: cluster.Cache(t)}
	one, two := cluster.NewNamespace(t), cluster.NewNamespace(t)
	const address = "gs://copied/orders"
	lock, _ := config.ParseLock(address)
	cluster.NewPod(t, one, "a", "orders", "", func(p *corev1.Pod) {
		env := &p.Spec.InitContainers[0].Env
		*env = append(*env, corev1.EnvVar{Name: config.Lock.Variable(), Value: address})
	})
	cluster.NewPod(t, two, "b", "toys", "")
	orders := view.Election{Namespace: one, Name: "orders"}
	webhooktest.Eventually(t, "the other election is found", func(ctx context.Context) error {
		other, found, err := elections.SharedLock(ctx, view.Election{Namespace: two, Name: "orders"}, lock, "")
		if err == nil && (!found || other != orders) {
			err = fmt.Errorf("found %v: %s", found, other)
		}
		return err
	})
	if other, found, err := elections.SharedLock(t.Context(), orders, lock, ""); err != nil || found {
		t.Errorf("its own election is another: %s %v", other, err)
	}
}
