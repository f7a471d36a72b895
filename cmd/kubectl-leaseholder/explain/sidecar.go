package explain

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
)

// sidecar says how the pod and its sidecar are.
func (r *report) sidecar() {
	if r.pod.DeletionTimestamp != nil {
		r.factf("The pod is being deleted: it lets go when its application has ended")
	} else if ended(r.pod) {
		r.factf("The pod has ended with phase %s, and is no candidate any more", r.pod.Status.Phase)
	}
	for i := range r.pod.Status.InitContainerStatuses {
		if c := &r.pod.Status.InitContainerStatuses[i]; c.Name == injector.ContainerName {
			r.container(c)
			r.readiness()
			return
		}
	}
	r.wrongf("see the pod's events with kubectl describe pod "+r.pod.Name, "The kubelet has not started the sidecar yet: the pod's phase is %s", r.pod.Status.Phase)
}

func (r *report) container(c *corev1.ContainerStatus) {
	logs := fmt.Sprintf("kubectl logs -n %s %s -c %s", r.pod.Namespace, r.pod.Name, c.Name)
	switch {
	case c.State.Running != nil:
		r.factf("The sidecar runs, started %s", r.ago(c.State.Running.StartedAt.Time))
	case c.State.Terminated != nil && ended(r.pod):
		r.factf("The sidecar has ended, %s", ending(c.State.Terminated))
	case c.State.Terminated != nil:
		r.wrongf("see "+logs, "The sidecar has ended, %s", ending(c.State.Terminated))
	case c.State.Waiting != nil && strings.Contains(c.State.Waiting.Reason, "Image"):
		r.wrongf("let the administrator give Leaseholder an image that this pod's node and pull secrets can pull",
			"The sidecar's image can't be pulled: %s %s", c.State.Waiting.Reason, c.State.Waiting.Message)
	case c.State.Waiting != nil:
		r.wrongf("see "+logs+" --previous", "The sidecar waits to be started: %s %s", c.State.Waiting.Reason, c.State.Waiting.Message)
	}
	if last := c.LastTerminationState.Terminated; c.RestartCount > 0 && last != nil {
		r.wrongf("see "+logs+" --previous", "The sidecar was restarted %d times, last %s, when it ended %s", c.RestartCount, r.ago(last.FinishedAt.Time), ending(last))
	} else if c.RestartCount > 0 {
		r.factf("The sidecar was restarted %d times", c.RestartCount)
	}
}

// ending tells how a container ended, in one line.
func ending(t *corev1.ContainerStateTerminated) string {
	told := fmt.Sprintf("with exit code %d (%s)", t.ExitCode, t.Reason)
	if message := strings.Join(strings.Fields(t.Message), " "); message != "" {
		told += ": " + message
	}
	return told
}

func (r *report) readiness() {
	for _, c := range r.pod.Status.Conditions {
		switch {
		case c.Type != corev1.PodReady:
		case c.Status == corev1.ConditionTrue:
			r.factf("The pod is Ready")
		default:
			r.factf("The pod is not Ready: %s. With standby unready that is so on every standby", strings.TrimSpace(c.Reason+" "+c.Message))
		}
	}
}
