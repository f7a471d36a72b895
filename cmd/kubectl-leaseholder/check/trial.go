package check

import (
	"context"
	"fmt"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/leaseholder-dev/leaseholder/cmd/internal/trial"
	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// trialOf is what became of an annotated pod.
type trialOf struct {
	namespace string
	// denied says that the user may not create pods there.
	denied bool
	// unsure is why it is not known whether they may; nil when it is.
	unsure error
	seen   string
	err    error
}

// trialNamespace is where a pod is tried: the user's namespace if pods can have a
// sidecar there.
func (s *snapshot) trialNamespace(namespace string) string {
	if view.Excluded(namespace, s.system) {
		return metav1.NamespaceDefault
	}
	return namespace
}

// try creates a pod as a dry run.
func try(ctx context.Context, client kubernetes.Interface, namespace string) trialOf {
	t := trialOf{namespace: namespace}
	// A refusal of the webhook is the same kind of error as a missing right.
	review, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: "create", Resource: "pods"},
		},
	}, metav1.CreateOptions{})
	if t.unsure = err; err == nil && !review.Status.Allowed {
		t.denied = true
		return t
	}
	pod, err := client.CoreV1().Pods(namespace).Create(ctx, trial.Pod(namespace), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if t.err = err; err == nil {
		t.seen, t.err = trial.Seen(pod)
	}
	return t
}

// tried says whether pods get their sidecar.
func (s *snapshot) tried() result {
	const what = "Trial"
	t := s.trial
	switch {
	case t.denied:
		return result{
			what: what, state: unknown, message: fmt.Sprintf("you may not create pods in namespace %q, not even as a dry run", t.namespace),
			next: []string{"name a namespace with -n in which you may, or run helm test"},
		}
	case t.err == nil:
		return okf(what, "%s", t.seen)
	case apierrors.IsNotFound(t.err):
		return result{
			what: what, state: unknown, message: fmt.Sprintf("there is no namespace %q to try a pod in", t.namespace),
			next: []string{"name another with -n"},
		}
	case t.unsure != nil && apierrors.IsForbidden(t.err):
		return result{
			what: what, state: unknown,
			message: fmt.Sprintf("a pod in namespace %q is refused, and whether you may create one there can't be asked (%v): %v", t.namespace, t.unsure, t.err),
			next:    []string{"ask somebody who may create pods there, or run helm test"},
		}
	case s.policyOf(t.namespace) == injector.Forbid:
		return result{
			what: what, state: unknown, message: fmt.Sprintf("namespace %q is labelled %s=%s: %v", t.namespace, injector.LabelInjection, injector.Forbid, t.err),
			next: []string{"name another with -n"},
		}
	}
	return failf(what, "mend what failed above, or if the reason lies in this namespace, name another with -n",
		"an annotated pod in namespace %q: %v", t.namespace, t.err)
}
