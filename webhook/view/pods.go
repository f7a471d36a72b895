package view

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// electionIndex finds the pods of an election without a walk through the
// namespace.
const electionIndex = "leaseholder.election"

func electionsOf(object client.Object) []string {
	if pod, ok := object.(*corev1.Pod); ok {
		if e, ok := ElectionOf(pod); ok {
			return []string{e.Name}
		}
	}
	return nil
}

// ElectionOf is the election of a pod, cached or not; false when it stands in
// none. It is what the sidecar was told at admission: unlike a label, nobody can
// change that later. A mirror pod went through no admission of ours.
func ElectionOf(pod *corev1.Pod) (Election, bool) {
	if _, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]; mirror {
		return Election{}, false
	}
	name := Told(pod, config.Election)
	if !config.ValidElection(name) {
		return Election{}, false
	}
	return Election{Namespace: pod.Namespace, Name: name}, true
}

// Told is what the pod's sidecar is told of a setting; empty without a sidecar.
func Told(pod *corev1.Pod, setting config.Setting) string {
	value := ""
	for i := range pod.Spec.InitContainers {
		if pod.Spec.InitContainers[i].Name != injector.ContainerName {
			continue
		}
		for _, v := range pod.Spec.InitContainers[i].Env {
			if v.Name == setting.Variable() {
				value = v.Value // of two, the last counts
			}
		}
	}
	return value
}

// Pods lists the cached pods of an election, in no order.
func Pods(ctx context.Context, reader client.Reader, e Election, options ...client.ListOption) ([]corev1.Pod, error) {
	var list corev1.PodList
	options = append(options, client.InNamespace(e.Namespace), client.MatchingFields{electionIndex: e.Name})
	err := reader.List(ctx, &list, options...)
	if err != nil {
		return nil, fmt.Errorf("list the pods of %s: %w", e, err)
	}
	return list.Items, nil
}

// Ended says that no container of the pod will run again, so that it needs
// neither rights nor a role.
func Ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}
