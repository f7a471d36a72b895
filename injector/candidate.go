package injector

import (
	"net"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// candidate is one pod that asks for the sidecar, with what was read from its
// annotations. Its pod is never changed.
type candidate struct {
	pod         *corev1.Pod
	namespace   Namespace
	admin       Settings
	annotations annotations
	workload    workload
	// sidecar is the index of the first init container of our name, or -1.
	sidecar int

	// lock is where the pod's lock is; what no reader allows counts as the default.
	lock config.LockAddress

	// What the readers found. A port that is not allowed is 0.
	settings           config.Settings // but for timing, addresses and credentials
	secret             string          // with the lock's credentials; empty for none
	timing             config.Timing
	apiPort, probePort int32
	resources          corev1.ResourceRequirements
}

func newCandidate(ns Namespace, pod *corev1.Pod, admin Settings, own annotations) *candidate {
	return &candidate{
		pod:         pod,
		namespace:   ns,
		admin:       admin,
		annotations: own,
		workload:    workloadOf(pod),
		sidecar:     sidecarOf(pod),
		lock:        lockOf(own),
	}
}

// says is whether the pod has an annotation.
func (c *candidate) says(key string) bool {
	_, said := c.annotations[key]
	return said
}

// asked is why a pod that can have the sidecar gets it.
func (c *candidate) asked() Reason {
	if c.annotations[AnnotationInject] == "true" {
		return Annotated
	}
	return NamespaceInjects
}

// sidecarOf is the index of the first init container of our name, or -1.
func sidecarOf(pod *corev1.Pod) int {
	return slices.IndexFunc(pod.Spec.InitContainers, func(c corev1.Container) bool { return c.Name == ContainerName })
}

// sidecarSettings is everything that the sidecar is told, but for the pod's
// name and UID. It means something only when no reader found a fault.
func (c *candidate) sidecarSettings() config.Settings {
	s := c.settings
	s.Timing = c.timing
	s.PodName, s.PodUID = "", ""
	if c.secret != "" {
		s.LockCredentials = config.LockCredentialsPath
	}
	s.APIAddress = c.apiAddress()
	s.ProbeAddress = ":" + portString(c.probePort)
	// On the node's network, everybody on the node reaches the pod's loopback.
	s.StepDown = !c.pod.Spec.HostNetwork
	return s
}

// apiAddress is the default loopback address with the pod's own port.
func (c *candidate) apiAddress() string { return net.JoinHostPort(apiHost(), portString(c.apiPort)) }

// apiHost is the loopback address that the API is on.
func apiHost() string {
	// The default is a constant of ours, so it always splits.
	host, _, _ := net.SplitHostPort(config.Default().APIAddress)
	return host
}

// others calls f for every container of the pod but the sidecar, with the path
// of its field.
func (c *candidate) others(f func(path string, container *corev1.Container)) {
	for i := range c.pod.Spec.InitContainers {
		if i != c.sidecar {
			f("spec.initContainers["+strconv.Itoa(i)+"]", &c.pod.Spec.InitContainers[i])
		}
	}
	for i := range c.pod.Spec.Containers {
		f("spec.containers["+strconv.Itoa(i)+"]", &c.pod.Spec.Containers[i])
	}
}

func portString(port int32) string { return strconv.Itoa(int(port)) }
