package injector

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

const (
	// ContainerName is the sidecar's name.
	ContainerName = "leaseholder"
	// apiPortName is the name of the API's port, at most 15 characters.
	apiPortName = "leaseholder-api"
	// unprivilegedUser is the user of the sidecar in a pod that runs as root.
	unprivilegedUser = int64(65532)
	// defaultGrace is the API's own default of terminationGracePeriodSeconds.
	defaultGrace = int64(30)
)

// container is the sidecar.
func (c *candidate) container() corev1.Container {
	always := corev1.ContainerRestartPolicyAlways
	return corev1.Container{
		Name:                     ContainerName,
		Image:                    c.image(),
		ImagePullPolicy:          c.pullPolicy(),
		RestartPolicy:            &always,
		Env:                      c.env(),
		Ports:                    c.ports(),
		Resources:                c.resources,
		VolumeMounts:             c.mounts(),
		StartupProbe:             c.startupProbe(),
		LivenessProbe:            c.livenessProbe(),
		ReadinessProbe:           c.readinessProbe(),
		Lifecycle:                &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{HTTPGet: c.get(c.preStopPath())}},
		SecurityContext:          c.securityContext(),
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}
}

// ports tells others of the probe port, and on the node's network the scheduler of
// both: it puts no two pods with the same port of the same address on a node.
func (c *candidate) ports() []corev1.ContainerPort {
	ports := []corev1.ContainerPort{{Name: ContainerName, ContainerPort: c.probePort, Protocol: corev1.ProtocolTCP}}
	if c.pod.Spec.HostNetwork {
		ports = append(ports, corev1.ContainerPort{
			Name: apiPortName, HostIP: apiHost(), HostPort: c.apiPort, ContainerPort: c.apiPort, Protocol: corev1.ProtocolTCP,
		})
		ports[0].HostPort = c.probePort // as the API server sets it
	}
	return ports
}

// env is what the sidecar parses. The pod's name and UID come from the kubelet.
func (c *candidate) env() []corev1.EnvVar {
	env := []corev1.EnvVar{
		{Name: config.PodName.Variable(), ValueFrom: &corev1.EnvVarSource{FieldRef: fieldRef("metadata.name")}},
		{Name: config.PodUID.Variable(), ValueFrom: &corev1.EnvVarSource{FieldRef: fieldRef("metadata.uid")}},
	}
	for _, v := range config.Render(c.sidecarSettings()) {
		env = append(env, corev1.EnvVar{Name: v.Name, Value: v.Value})
	}
	return env
}

// startupProbe holds the application back for half a minute at most. The sidecar
// answers as soon as it listens, so a second between two probes is what it costs.
func (c *candidate) startupProbe() *corev1.Probe {
	return c.probe(config.StartPath, 1, 1, 30)
}

// livenessProbe is slow to judge: a restart of the leader's sidecar costs more
// than the wait for a busy node.
func (c *candidate) livenessProbe() *corev1.Probe {
	return c.probe(config.LivePath, 10, 5, 3)
}

// readinessProbe is quick where it moves the traffic from one leader to the next.
func (c *candidate) readinessProbe() *corev1.Probe {
	if c.settings.Standby == config.StandbyUnready {
		return c.probe(config.ReadyPath, 1, 1, 1)
	}
	return c.probe(config.ReadyPath, 2, 1, 3)
}

// probe takes its period and its timeout in seconds.
func (c *candidate) probe(path string, period, timeout, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:     corev1.ProbeHandler{HTTPGet: c.get(path)},
		PeriodSeconds:    period,
		TimeoutSeconds:   timeout,
		FailureThreshold: failures,
	}
}

// get names the port by its number: a name could be another container's.
func (c *candidate) get(path string) *corev1.HTTPGetAction {
	return &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt32(c.probePort)}
}

// preStopPath tells the sidecar, when termination begins, in how many seconds
// the pod ends.
func (c *candidate) preStopPath() string {
	grace := defaultGrace
	if g := c.pod.Spec.TerminationGracePeriodSeconds; g != nil {
		grace = *g
	}
	if grace < 0 {
		grace = 1 // as the API server reads it
	}
	return config.PreStopPath + "?" + config.PreStopGrace + "=" + strconv.FormatInt(grace, 10)
}

// securityContext passes Pod Security "restricted". It sets no user, for some
// clusters give each namespace its own, except where the pod's own is root.
func (c *candidate) securityContext() *corev1.SecurityContext {
	yes, no, user := true, false, unprivilegedUser
	s := &corev1.SecurityContext{
		AllowPrivilegeEscalation: &no,
		ReadOnlyRootFilesystem:   &yes,
		RunAsNonRoot:             &yes,
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	if pod := c.pod.Spec.SecurityContext; pod != nil && pod.RunAsUser != nil && *pod.RunAsUser == 0 {
		s.RunAsUser = &user
	}
	return s
}
