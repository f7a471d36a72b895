package explain

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// sidecar says how the pod and its sidecar are.
func (r *report) sidecar() {
	switch {
	case view.Ended(r.pod):
		r.factf("The pod has ended with phase %s, and is no candidate any more", r.pod.Status.Phase)
	case r.pod.DeletionTimestamp != nil && r.holds():
		r.factf("The pod is being deleted: it lets go of the lead when its application has ended")
	case r.pod.DeletionTimestamp != nil:
		r.factf("The pod is being deleted")
	}
	for i := range r.pod.Status.InitContainerStatuses {
		if c := &r.pod.Status.InitContainerStatuses[i]; c.Name == injector.ContainerName {
			r.container(c)
			r.restarts(c)
			r.readiness()
			return
		}
	}
	if !ended(r.pod) {
		r.wrongf(r.described(), "The kubelet has not started the sidecar yet: the pod's phase is %s", r.pod.Status.Phase)
	}
}

// described is where to see what keeps the kubelet.
func (r *report) described() string {
	return fmt.Sprintf("see the pod's events with kubectl describe pod -n %s %s", r.pod.Namespace, r.pod.Name)
}

// logged is where to see what the sidecar itself says.
func (r *report) logged(flags string) string {
	return fmt.Sprintf("see kubectl logs -n %s %s -c %s%s", r.pod.Namespace, r.pod.Name, injector.ContainerName, flags)
}

// The kubelet's reasons of a container that waits.
const crashLoop = "CrashLoopBackOff"

var starting = []string{"ContainerCreating", "PodInitializing"}

func (r *report) container(c *corev1.ContainerStatus) {
	waiting, over := c.State.Waiting, c.State.Terminated
	switch {
	case c.State.Running != nil:
		r.factf("The sidecar runs, started %s", r.ago(c.State.Running.StartedAt.Time))
	case over != nil && ended(r.pod):
		r.factf("The sidecar has ended, %s", ending(over))
	case over != nil:
		r.wrongf(r.logged(""), "The sidecar has ended, %s", ending(over))
	case waiting == nil || waiting.Reason == crashLoop && c.LastTerminationState.Terminated != nil:
		return // see restarts
	case slices.Contains(starting, waiting.Reason):
		r.factf("The sidecar is not started yet: %s", words(waiting.Reason, waiting.Message))
	case strings.Contains(waiting.Reason, "Image"):
		r.wrongf("let the administrator give Leaseholder an image that this pod's node and pull secrets can pull",
			"The sidecar's image can't be pulled: %s", words(waiting.Reason, waiting.Message))
	default:
		r.wrongf(r.described(), "The sidecar can't be started: %s", words(waiting.Reason, waiting.Message))
	}
}

// restarts says how it ended before.
func (r *report) restarts(c *corev1.ContainerStatus) {
	waiting, last := c.State.Waiting, c.LastTerminationState.Terminated
	switch {
	case last != nil && waiting != nil && waiting.Reason == crashLoop:
		r.wrongf(r.logged(" --previous"), "The sidecar was restarted %s, and waits to be started again (%s). It ended last %s, %s",
			times(c.RestartCount), words(waiting.Reason, waiting.Message), r.ago(last.FinishedAt.Time), ending(last))
	case c.RestartCount > 0 && last != nil:
		r.wrongf(r.logged(" --previous"), "The sidecar was restarted %s, last %s, when it ended %s",
			times(c.RestartCount), r.ago(last.FinishedAt.Time), ending(last))
	case c.RestartCount > 0:
		r.factf("The sidecar was restarted %s", times(c.RestartCount))
	}
}

func times(n int32) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// ending tells how a container ended, in one line.
func ending(t *corev1.ContainerStateTerminated) string {
	return words(fmt.Sprintf("with exit code %d (%s)", t.ExitCode, t.Reason), t.Message)
}

// words are a reason and its message, if there is one, in one line without an end.
func words(reason, message string) string {
	if message = strings.TrimSuffix(strings.Join(strings.Fields(message), " "), "."); message == "" {
		return reason
	}
	return reason + ": " + message
}

func (r *report) readiness() {
	at := slices.IndexFunc(r.pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady })
	if at < 0 || view.Ended(r.pod) {
		return
	}
	switch c := r.pod.Status.Conditions[at]; {
	case c.Status == corev1.ConditionTrue:
		r.factf("The pod is Ready")
	case r.told(config.StandbyMode) == string(config.StandbyUnready) && !r.holds():
		r.factf("The pod is not Ready, as every standby with standby unready: %s", words(c.Reason, c.Message))
	default:
		r.factf("The pod is not Ready: %s", words(c.Reason, c.Message))
	}
}
