package webhook

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
)

// Decide is what Handle would decide about a pod that is created now. It is for
// pods that are yet to come: nothing is counted or logged as refused.
func (h *Handler) Decide(ctx context.Context, ns injector.Namespace, pod *corev1.Pod) injector.Decision {
	return h.decide(ctx, ns, pod)
}
