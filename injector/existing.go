package injector

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// ownVariables begins the names of all variables that the sidecar reads.
var ownVariables = config.Setting("").Variable()

// checkInjection judges a pod that came with an init container of our name. It
// compares what makes the sidecar ours and nothing else: the API server sets
// defaults, and other webhooks add variables, mounts and probes.
func checkInjection(c *candidate) []Fault {
	if c.sidecar < 0 {
		return nil
	}
	path := sidecarPath(c.sidecar)
	if len(variables(c.pod.Spec.InitContainers[c.sidecar].Env)) == 0 {
		return []Fault{{Reason: NameTaken, Key: path, Value: ContainerName, Allowed: otherName}}
	}
	differing := differences(&c.pod.Spec.InitContainers[c.sidecar], c.container())
	if !hasOurToken(c.pod.Spec.Volumes) {
		differing = append(differing, "volume "+TokenVolume)
	}
	if c.secret != "" && !hasSecret(c.pod.Spec.Volumes, c.secret) {
		differing = append(differing, "volume "+LockVolume)
	}
	if len(differing) == 0 {
		return nil
	}
	return []Fault{{
		Reason: OtherInjection,
		Key:    path,
		Value:  ContainerName,
		Allowed: fmt.Sprintf("any other name, or what this webhook injects, from which this differs in %s: "+
			"remove the container, %s and the %s labels, so that the webhook adds its own, and "+
			"where another webhook changes the image, give Leaseholder the changed one",
			list(differing), c.toldVolumes(), Prefix),
	}}
}

// stray is the fault of a sidecar in a pod that asks for none, such as a copy
// made by `kubectl debug`, which keeps the containers and drops annotations and
// labels. It would stand for election unseen, and lead with an application that
// may be another.
func stray(pod *corev1.Pod) []Fault {
	at := sidecarOf(pod)
	if at < 0 || len(variables(pod.Spec.InitContainers[at].Env)) == 0 {
		return nil
	}
	return []Fault{{
		Reason: StraySidecar, Key: sidecarPath(at), Value: ContainerName,
		Allowed: fmt.Sprintf(`no election sidecar in a pod without %s "true": remove the container (kubectl debug does so with `+
			`--keep-init-containers=false), or set %s to "true" and name the election with %s`,
			AnnotationInject, AnnotationInject, AnnotationElection),
	}}
}

func sidecarPath(at int) string { return fmt.Sprintf("spec.initContainers[%d].name", at) }

// differences tells in what an init container is not the wanted sidecar.
func differences(got *corev1.Container, want corev1.Container) []string {
	var differing []string
	if got.Image != want.Image {
		differing = append(differing, fmt.Sprintf("image %s instead of %s", quote(got.Image), quote(want.Image)))
	}
	if got.RestartPolicy == nil || *got.RestartPolicy != *want.RestartPolicy {
		differing = append(differing, "restartPolicy")
	}
	for _, mount := range want.VolumeMounts {
		if !slices.ContainsFunc(got.VolumeMounts, func(m corev1.VolumeMount) bool {
			return m.Name == mount.Name && m.MountPath == mount.MountPath && m.SubPath == ""
		}) {
			differing = append(differing, "mount of "+mount.Name)
		}
	}
	gotEnv, wantEnv := variables(got.Env), variables(want.Env)
	for name := range gotEnv {
		if _, ok := wantEnv[name]; !ok {
			wantEnv[name] = nil
		}
	}
	var names []string
	for name, variable := range wantEnv {
		if !sameVariable(gotEnv[name], variable) {
			names = append(names, showKey(name))
		}
	}
	slices.Sort(names)
	return append(differing, names...)
}

// variables are those that the sidecar reads; of two of one name the last counts.
func variables(env []corev1.EnvVar) map[string]*corev1.EnvVar {
	own := map[string]*corev1.EnvVar{}
	for i := range env {
		if strings.HasPrefix(env[i].Name, ownVariables) {
			own[env[i].Name] = &env[i]
		}
	}
	return own
}

func sameVariable(a, b *corev1.EnvVar) bool {
	return a != nil && b != nil && a.Value == b.Value && fieldPath(a) == fieldPath(b)
}

// fieldPath is the field that a variable comes from, empty for a plain value.
func fieldPath(v *corev1.EnvVar) string {
	switch {
	case v.ValueFrom == nil:
		return ""
	case v.ValueFrom.FieldRef == nil:
		return "another source"
	case cmp.Or(v.ValueFrom.FieldRef.APIVersion, "v1") != "v1":
		return "another version"
	default:
		return v.ValueFrom.FieldRef.FieldPath
	}
}

// toldVolumes are the volumes that somebody has to remove.
func (c *candidate) toldVolumes() string {
	for i := range c.pod.Spec.Volumes {
		if c.pod.Spec.Volumes[i].Name == LockVolume {
			return "the volumes " + TokenVolume + " and " + LockVolume
		}
	}
	return "the volume " + TokenVolume
}

// hasSecret looks for the volume with the lock's credentials: all of that Secret.
func hasSecret(volumes []corev1.Volume, secret string) bool {
	return slices.ContainsFunc(volumes, func(v corev1.Volume) bool {
		return v.Name == LockVolume && v.Secret != nil && v.Secret.SecretName == secret && len(v.Secret.Items) == 0
	})
}

// hasOurToken looks for the volume with the token that we project.
func hasOurToken(volumes []corev1.Volume) bool {
	want := tokenVolume().Projected.Sources[0].ServiceAccountToken
	return slices.ContainsFunc(volumes, func(v corev1.Volume) bool {
		return v.Name == TokenVolume && v.Projected != nil &&
			slices.ContainsFunc(v.Projected.Sources, func(s corev1.VolumeProjection) bool {
				got := s.ServiceAccountToken
				return got != nil && got.Path == want.Path && got.Audience == want.Audience &&
					got.ExpirationSeconds != nil && *got.ExpirationSeconds == *want.ExpirationSeconds
			})
	})
}
