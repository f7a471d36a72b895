package view

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
)

func TestReady(t *testing.T) {
	yes, no := true, false
	condition := func(s corev1.ConditionStatus) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: s}}
		}
	}
	isReady := condition(corev1.ConditionTrue)
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	// contained is a standby of mode unready that could lead, changed by change.
	contained := func(change func(*corev1.PodStatus)) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			condition(corev1.ConditionFalse)(p)
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{
				{Name: injector.ContainerName, State: running},
				{Name: "migrate", Ready: true},
			}
			p.Status.ContainerStatuses = []corev1.ContainerStatus{
				{Name: "app", Ready: true, Started: &yes}, {Name: "proxy", Ready: true, Started: &yes},
			}
			change(&p.Status)
		}
	}
	for name, test := range map[string]struct {
		standby string
		change  func(*corev1.Pod)
		want    bool
	}{
		"a Ready pod":                       {"ready", isReady, true},
		"a pod that is not Ready":           {"ready", condition(corev1.ConditionFalse), false},
		"a pod nobody knows of":             {"ready", condition(corev1.ConditionUnknown), false},
		"a new pod":                         {"ready", func(*corev1.Pod) {}, false},
		"a pod that is Ready and ends":      {"ready", func(p *corev1.Pod) { isReady(p); p.DeletionTimestamp = new(metav1.Now()) }, false},
		"a pod that has failed":             {"ready", func(p *corev1.Pod) { isReady(p); p.Status.Phase = corev1.PodFailed }, false},
		"the containers do not matter then": {"ready", contained(func(*corev1.PodStatus) {}), false},

		"all containers are ready":                        {"unready", contained(func(*corev1.PodStatus) {}), true},
		"a pod that was Ready before its containers told": {"unready", isReady, false},
		"one container is not ready": {
			"unready", contained(func(s *corev1.PodStatus) { s.ContainerStatuses[1].Ready = false }), false,
		},
		"one container is still starting": {
			"unready", contained(func(s *corev1.PodStatus) { s.ContainerStatuses[0].Started = &no }), false,
		},
		"of one container nobody knows whether it has started": {
			"unready", contained(func(s *corev1.PodStatus) { s.ContainerStatuses[0].Started = nil }), false,
		},
		"the sidecar does not run": {
			"unready", contained(func(s *corev1.PodStatus) { s.InitContainerStatuses[0].State = corev1.ContainerState{} }), false,
		},
		"another init container is not ready": {
			"unready", contained(func(s *corev1.PodStatus) { s.InitContainerStatuses[1].Ready = false }), false,
		},
		"the application's containers have no status yet": {
			"unready", contained(func(s *corev1.PodStatus) { s.ContainerStatuses = nil }), false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{Spec: corev1.PodSpec{InitContainers: sidecarOf("orders", test.standby)}}
			test.change(pod)
			if got := Ready(pod); got != test.want {
				t.Errorf("it is said to be %v", got)
			}
			stripped, err := stripPod(pod)
			if err != nil {
				t.Fatal(err)
			}
			if slim, ok := stripped.(*corev1.Pod); !ok || Ready(slim) != test.want {
				t.Errorf("stripped, it is said to be %v", !test.want)
			}
		})
	}
}
