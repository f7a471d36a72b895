package view

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// Ready says whether a pod, cached or not, could lead now: it stays, and its
// application is ready. Where standbys are never Ready, its containers say so
// instead of the pod; a container without a readiness probe is ready when it runs.
func Ready(pod *corev1.Pod) bool {
	if pod.DeletionTimestamp != nil || Ended(pod) {
		return false
	}
	if toldStandby(pod) == config.StandbyUnready {
		return containersReady(&pod.Status)
	}
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// containersReady says whether the sidecar runs and all others are ready. Init
// containers that have done their work count as ready to the kubelet.
func containersReady(s *corev1.PodStatus) bool {
	sidecar := false
	for i := range s.InitContainerStatuses {
		c := &s.InitContainerStatuses[i]
		if c.Name == injector.ContainerName {
			sidecar = c.State.Running != nil
		} else if !c.Ready {
			return false
		}
	}
	if !sidecar || len(s.ContainerStatuses) == 0 {
		return false
	}
	return !slices.ContainsFunc(s.ContainerStatuses, func(c corev1.ContainerStatus) bool {
		return !c.Ready || c.Started == nil || !*c.Started
	})
}

// toldStandby is what the pod's sidecar was told that a standby looks like.
func toldStandby(pod *corev1.Pod) config.Standby {
	return config.Standby(Told(pod, config.StandbyMode))
}

// readiness keeps of a status what Ready reads.
func readiness(standby config.Standby, s *corev1.PodStatus) corev1.PodStatus {
	slim := corev1.PodStatus{Phase: s.Phase}
	if standby == config.StandbyUnready {
		slim.InitContainerStatuses = slimStatuses(s.InitContainerStatuses)
		slim.ContainerStatuses = slimStatuses(s.ContainerStatuses)
		return slim
	}
	for _, c := range s.Conditions {
		if c.Type == corev1.PodReady {
			slim.Conditions = []corev1.PodCondition{{Type: c.Type, Status: c.Status}}
		}
	}
	return slim
}

func slimStatuses(all []corev1.ContainerStatus) []corev1.ContainerStatus {
	var slim []corev1.ContainerStatus
	for i := range all {
		c := corev1.ContainerStatus{Name: all[i].Name, Ready: all[i].Ready, Started: all[i].Started}
		if all[i].State.Running != nil {
			c.State.Running = &corev1.ContainerStateRunning{}
		}
		slim = append(slim, c)
	}
	return slim
}
