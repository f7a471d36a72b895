package view

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// AnnotationDeletionCost makes a ReplicaSet delete its cheaper pods first.
const AnnotationDeletionCost = corev1.PodDeletionCost

// stripPod keeps of a pod what the webhook reads. The election's label says here
// what the sidecar was told, for whoever may patch pods can change the label. An
// informer may transform an object twice, so that what is read here is kept.
func stripPod(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok { // a tombstone holds a pod that went through here before
		return object, nil
	}
	slim := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         pod.Namespace,
			Name:              pod.Name,
			UID:               pod.UID,
			ResourceVersion:   pod.ResourceVersion,
			DeletionTimestamp: pod.DeletionTimestamp,
			Annotations:       ownKeys(pod.Annotations),
		},
		Spec:   corev1.PodSpec{ServiceAccountName: pod.Spec.ServiceAccountName},
		Status: corev1.PodStatus{Phase: pod.Status.Phase},
	}
	if e, ok := ElectionOf(pod); ok {
		slim.Labels = ownKeys(pod.Labels)
		metav1.SetMetaDataLabel(&slim.ObjectMeta, injector.LabelElection, e.Name)
		standby := toldStandby(pod)
		slim.Spec.InitContainers = []corev1.Container{{
			Name: injector.ContainerName,
			Env: []corev1.EnvVar{
				{Name: config.Election.Variable(), Value: e.Name},
				{Name: config.StandbyMode.Variable(), Value: string(standby)},
			},
		}}
		if lock := LockOf(pod); lock != config.Default().Lock {
			env := &slim.Spec.InitContainers[0].Env
			*env = append(*env, corev1.EnvVar{Name: config.Lock.Variable(), Value: lock.String()})
		}
		slim.Status = readiness(standby, &pod.Status)
		slim.OwnerReferences = workload(pod)
	}
	return slim, nil
}

// workload keeps of a pod's owners what it is of, in the shape of the controller
// from which that was found.
func workload(pod *corev1.Pod) []metav1.OwnerReference {
	kind, name, found := strings.Cut(injector.WorkloadOf(pod), "/")
	if !found {
		return nil
	}
	return []metav1.OwnerReference{{Kind: kind, Name: name, Controller: new(true)}}
}

// ownKeys keeps the product's keys and the deletion cost; nil when there are none.
func ownKeys(all map[string]string) map[string]string {
	var own map[string]string
	for key, value := range all {
		if key == AnnotationDeletionCost || strings.HasPrefix(key, injector.Prefix) {
			if own == nil {
				own = map[string]string{}
			}
			own[key] = value
		}
	}
	return own
}

// stripManagedFields drops what says who wrote which field when.
func stripManagedFields(object any) (any, error) {
	if o, ok := object.(metav1.Object); ok {
		o.SetManagedFields(nil)
	}
	return object, nil
}

var (
	_ cache.TransformFunc = stripPod
	_ cache.TransformFunc = stripManagedFields
)
