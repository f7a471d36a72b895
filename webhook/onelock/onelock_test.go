package onelock

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// locked is a pod of a workload that was told its lock.
func locked(name, workload, lock string, phase corev1.PodPhase) corev1.Pod {
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Annotations: map[string]string{injector.AnnotationLock: "s3://changed/since"},
			OwnerReferences: []metav1.OwnerReference{{Kind: "StatefulSet", Name: workload, Controller: new(true)}},
		},
		Spec: corev1.PodSpec{InitContainers: []corev1.Container{{
			Name: injector.ContainerName, Env: []corev1.EnvVar{{Name: "LEASEHOLDER_LOCK", Value: lock}},
		}}},
		Status: corev1.PodStatus{Phase: phase},
	}
}

func lockAt(address string) config.LockAddress {
	lock, _ := config.ParseLock(address) // of what the tests write down
	return lock
}

func TestFind(t *testing.T) {
	const store = "gs://shop-locks/orders"
	leaving := locked("c", "orders", "lease", corev1.PodRunning)
	leaving.DeletionTimestamp = &metav1.Time{}
	for name, c := range map[string]struct {
		pods     []corev1.Pod
		lock     string
		workload string
		other    string
	}{
		"nobody":                            {lock: store},
		"the same lock":                     {pods: []corev1.Pod{locked("a", "orders", store, corev1.PodRunning)}, lock: store},
		"what was told no lock has a lease": {pods: []corev1.Pod{locked("a", "orders", "", corev1.PodRunning)}, lock: "lease"},
		"another lock":                      {pods: []corev1.Pod{locked("a", "orders", "", corev1.PodPending)}, lock: store, other: "a"},
		"the first of many": {
			pods: []corev1.Pod{locked("b", "orders", "endpoints", ""), locked("a", "db", "lease", ""), locked("0", "db", store, "")},
			lock: store, other: "a",
		},
		"one that has ended":                 {pods: []corev1.Pod{locked("a", "orders", "lease", corev1.PodFailed), locked("b", "orders", "lease", corev1.PodSucceeded)}, lock: store},
		"one that is still ending":           {pods: []corev1.Pod{leaving}, lock: store, other: "c"},
		"one that is to be replaced":         {pods: []corev1.Pod{locked("a", "orders", "lease", "")}, lock: store, workload: "statefulset/orders"},
		"another's beside one to be gone":    {pods: []corev1.Pod{locked("a", "orders", "lease", ""), locked("b", "db", "lease", "")}, lock: store, workload: "statefulset/orders", other: "b"},
		"a pod without a controller stays":   {pods: []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: "bare"}}}, lock: store, other: "bare"},
		"an annotation that was changed":     {pods: []corev1.Pod{locked("a", "orders", store, "")}, lock: "s3://changed/since", other: "a"},
		"a lock that only looks like theirs": {pods: []corev1.Pod{locked("a", "orders", store, "")}, lock: store + "2", other: "a"},
	} {
		t.Run(name, func(t *testing.T) {
			other, found := Find(c.pods, lockAt(c.lock), c.workload)
			if found != (c.other != "") || found && other.Pod != c.other {
				t.Fatalf("found %v: %+v", found, other)
			}
			if !found {
				return
			}
			told := other.Tell("shop", "orders", lockAt(c.lock))
			for _, part := range []string{`"orders"`, `"shop"`, c.other, other.Lock.String(), c.lock, "scale to 0", `"Recreate"`, injector.AnnotationElection} {
				if !strings.Contains(told, part) {
					t.Errorf("no %s in: %s", part, told)
				}
			}
		})
	}
	long := Other{Pod: strings.Repeat("p", 253), Lock: lockAt("gs://shop-locks/" + strings.Repeat("x", 1000))}
	if told := long.Tell(strings.Repeat("n", 63), strings.Repeat("e", 63), long.Lock); len(told) > 1024 {
		t.Errorf("an event has no room for %d bytes", len(told))
	}
}

func TestFindShared(t *testing.T) {
	const store = "gs://shop-locks/orders"
	of := func(namespace, election, workload string, phase corev1.PodPhase) corev1.Pod {
		pod := locked("p", workload, store, phase)
		pod.Namespace = namespace
		env := &pod.Spec.InitContainers[0].Env
		*env = append(*env, corev1.EnvVar{Name: "LEASEHOLDER_ELECTION", Value: election})
		return pod
	}
	for name, c := range map[string]struct {
		pods  []corev1.Pod
		other string
	}{
		"nobody":                         {},
		"the same election":              {pods: []corev1.Pod{of("shop", "orders", "orders", "")}},
		"the first of many":              {pods: []corev1.Pod{of("shop", "toys", "toys", ""), of("shop", "payments", "payments", "")}, other: "shop/payments"},
		"one of another namespace":       {pods: []corev1.Pod{of("test", "orders", "orders", "")}, other: "test/orders"},
		"one that has ended":             {pods: []corev1.Pod{of("shop", "payments", "payments", corev1.PodFailed)}},
		"the workload's own from before": {pods: []corev1.Pod{of("shop", "before", "orders", "")}},
		"a pod that has no election":     {pods: []corev1.Pod{locked("p", "toys", store, "")}},
	} {
		t.Run(name, func(t *testing.T) {
			other, found := FindShared(c.pods, view.Election{Namespace: "shop", Name: "orders"}, "statefulset/orders")
			if found != (c.other != "") || found && other.String() != c.other {
				t.Errorf("found %v: %s", found, other)
			}
		})
	}
}
