package explain

import (
	"context"

	authorizationv1 "k8s.io/api/authorization/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// refusals are the verbs that the pod's account does not have on the objects of its
// election.
type refusals struct {
	lease []string
	// endpoints are asked about where they are the lock.
	endpoints []string
}

// review asks the API server what the pod's account may do with its Lease, and with the
// Endpoints that are its lock.
func review(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, election string) read[refusals] {
	var answer refusals
	var err error
	if answer.lease, err = refused(ctx, client, pod, authorizationv1.ResourceAttributes{
		Namespace: pod.Namespace, Group: coordinationv1.GroupName, Resource: "leases", Name: election,
	}); err != nil {
		return read[refusals]{err: err}
	}
	if view.LockOf(pod).Scheme != config.LockEndpoints {
		return read[refusals]{value: &answer}
	}
	if answer.endpoints, err = refused(ctx, client, pod, authorizationv1.ResourceAttributes{
		Namespace: pod.Namespace, Group: corev1.GroupName, Resource: "endpoints", Name: election,
	}); err != nil {
		return read[refusals]{err: err}
	}
	return read[refusals]{value: &answer}
}

// refused are the verbs that the pod's account does not have on one object.
func refused(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, object authorizationv1.ResourceAttributes) ([]string, error) {
	var verbs []string
	for _, verb := range view.Verbs() {
		object.Verb = verb
		answer, err := client.AuthorizationV1().LocalSubjectAccessReviews(pod.Namespace).Create(ctx, &authorizationv1.LocalSubjectAccessReview{
			ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace},
			Spec: authorizationv1.SubjectAccessReviewSpec{
				User: "system:serviceaccount:" + pod.Namespace + ":" + account(pod),
				Groups: []string{
					"system:serviceaccounts", "system:serviceaccounts:" + pod.Namespace, "system:authenticated",
				},
				ResourceAttributes: &object,
			},
		}, metav1.CreateOptions{})
		if err != nil {
			return nil, err //nolint:wrapcheck // it is told, or tells that one may not ask
		}
		if !answer.Status.Allowed {
			verbs = append(verbs, verb)
		}
	}
	return verbs, nil
}

// account is the service account of a pod.
func account(pod *corev1.Pod) string {
	if pod.Spec.ServiceAccountName == "" {
		return "default"
	}
	return pod.Spec.ServiceAccountName
}
