package injector

import (
	"strconv"
	"strings"

	"gomodules.xyz/jsonpatch/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// injections are what an injected pod gets, in the order of the patch. Each
// touches another part of the pod, so that none depends on one before it.
var injections = []func(*candidate) []jsonpatch.Operation{
	injectLabels,
	injectMeshes,
	injectVolumes,
	injectContainer,
	injectURL,
	injectPodRequests,
}

// injectLabels also sets back what differs in a pod that is injected already.
func injectLabels(c *candidate) []jsonpatch.Operation {
	election, role := c.settings.Election, RoleStandby
	labels := c.pod.Labels
	if len(labels) == 0 {
		return []jsonpatch.Operation{add(map[string]string{LabelElection: election, LabelRole: role}, "metadata", "labels")}
	}
	var ops []jsonpatch.Operation
	if labels[LabelElection] != election {
		ops = append(ops, add(election, "metadata", "labels", LabelElection))
	}
	if labels[LabelRole] != role {
		ops = append(ops, add(role, "metadata", "labels", LabelRole))
	}
	return ops
}

func injectVolumes(c *candidate) []jsonpatch.Operation {
	volumes := c.volumes()
	if len(c.pod.Spec.Volumes) == 0 {
		return []jsonpatch.Operation{add(volumes, "spec", "volumes")}
	}
	var ops []jsonpatch.Operation
	for _, volume := range volumes {
		ops = append(ops, add(volume, "spec", "volumes", "-"))
	}
	return ops
}

// injectContainer puts the sidecar first, so that it starts before and ends
// after everything else.
func injectContainer(c *candidate) []jsonpatch.Operation {
	if len(c.pod.Spec.InitContainers) == 0 {
		return []jsonpatch.Operation{add([]corev1.Container{c.container()}, "spec", "initContainers")}
	}
	return []jsonpatch.Operation{add(c.container(), "spec", "initContainers", "0")}
}

// injectURL tells the application's containers where the API is. It comes first
// in a container's variables, so that the user's own can refer to it.
func injectURL(c *candidate) []jsonpatch.Operation {
	variable := corev1.EnvVar{Name: config.URLVariable, Value: "http://" + c.apiAddress()}
	var ops []jsonpatch.Operation
	for i := range c.pod.Spec.Containers {
		env := c.pod.Spec.Containers[i].Env
		switch index := strconv.Itoa(i); {
		case len(env) == 0:
			ops = append(ops, add([]corev1.EnvVar{variable}, "spec", "containers", index, "env"))
		case !hasVariable(env, config.URLVariable):
			ops = append(ops, add(variable, "spec", "containers", index, "env", "0"))
		}
	}
	return ops
}

func hasVariable(env []corev1.EnvVar, name string) bool {
	for i := range env {
		if env[i].Name == name {
			return true
		}
	}
	return false
}

// add is the only operation that is used: on a list's index it inserts, on an
// object's key it sets.
func add(value any, path ...string) jsonpatch.Operation {
	var pointer strings.Builder
	for _, token := range path {
		pointer.WriteString("/" + escape.Replace(token))
	}
	return jsonpatch.NewOperation("add", pointer.String(), value)
}

// escape makes a key a token of a JSON Pointer (RFC 6901).
var escape = strings.NewReplacer("~", "~0", "/", "~1")
