package view

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
)

// electionIndex finds the pods of an election without a walk through the
// namespace.
const electionIndex = "leaseholder.election"

func electionsOf(object client.Object) []string {
	if name := object.GetLabels()[injector.LabelElection]; name != "" {
		return []string{name}
	}
	return nil
}

// ElectionOf is the election of a cached pod; false when it stands in none.
func ElectionOf(pod *corev1.Pod) (Election, bool) {
	name := pod.Labels[injector.LabelElection]
	return Election{Namespace: pod.Namespace, Name: name}, name != ""
}

// Pods lists the cached pods of an election, in no order.
func Pods(ctx context.Context, reader client.Reader, e Election) ([]corev1.Pod, error) {
	var list corev1.PodList
	err := reader.List(ctx, &list, client.InNamespace(e.Namespace), client.MatchingFields{electionIndex: e.Name})
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
