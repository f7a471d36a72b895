package podfuzz

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// tame removes what an API server refuses without saying which field it is, and
// what names an object that is not there.
func (m *Maker) tame(pod *corev1.Pod) {
	pod.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	pod.ObjectMeta = metav1.ObjectMeta{
		GenerateName:    "random-",
		Labels:          pod.Labels,
		Annotations:     pod.Annotations,
		OwnerReferences: pod.OwnerReferences,
	}
	delete(pod.Annotations, election)
	for key := range pod.Labels {
		if key != "pod-template-hash" && key != "app" {
			delete(pod.Labels, key)
		}
	}
	spec := &pod.Spec
	spec.ServiceAccountName, spec.DeprecatedServiceAccount = "", ""
	spec.PriorityClassName, spec.Priority, spec.PreemptionPolicy = "", nil, nil
	spec.RuntimeClassName, spec.Overhead = nil, nil
	spec.EphemeralContainers = nil
	// What mostly ends in a refusal is seldom, so that most pods get further.
	if !m.oneIn(8) {
		spec.HostNetwork = false
	}
	if !m.oneIn(12) {
		spec.OS = nil
	}
	pod.Status = corev1.PodStatus{}
	if len(spec.Containers) == 0 {
		spec.Containers = append(spec.Containers, m.container())
	}
	if !m.oneIn(4) {
		yes := true
		pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "orders", UID: "u", Controller: &yes}}
	}
	for i := range spec.Volumes {
		spec.Volumes[i].Name = "v" + strconv.Itoa(i)
	}
	m.mount(pod)
	m.hostProcess(pod)
}

// hostProcess lets all containers be processes of a Windows node, or none.
func (m *Maker) hostProcess(pod *corev1.Pod) {
	all := m.oneIn(30)
	if all {
		pod.Spec.HostNetwork = true
	}
	if own := pod.Spec.SecurityContext; own != nil && own.WindowsOptions != nil {
		own.WindowsOptions.HostProcess = nil
	}
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			own := &containers[i].SecurityContext
			if all {
				*own = &corev1.SecurityContext{WindowsOptions: &corev1.WindowsSecurityContextOptions{HostProcess: &all}}
			} else if *own != nil && (*own).WindowsOptions != nil {
				(*own).WindowsOptions.HostProcess = nil
			}
		}
	}
}

// mount lets mounts be of volumes that there are.
func (m *Maker) mount(pod *corev1.Pod) {
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			mounts := containers[i].VolumeMounts
			if len(pod.Spec.Volumes) == 0 {
				containers[i].VolumeMounts = nil
				continue
			}
			for j := range mounts {
				mounts[j].Name = pod.Spec.Volumes[m.random.Intn(len(pod.Spec.Volumes))].Name
				mounts[j].MountPath = "/mount/" + strconv.Itoa(j)
				mounts[j].SubPathExpr = ""
			}
		}
	}
}
