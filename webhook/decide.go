package webhook

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
)

// Decide is what Handle would decide about a pod that is created now, or with
// replaces when all pods of its workload have ended. It is for pods that are yet to
// come: nothing is counted or logged as refused.
func (h *Handler) Decide(ctx context.Context, ns injector.Namespace, pod *corev1.Pod, replaces bool) injector.Decision {
	return h.decide(ctx, ns, pod, replaces)
}
