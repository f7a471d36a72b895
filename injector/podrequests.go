package injector

import (
	"fmt"

	"gomodules.xyz/jsonpatch/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// checkPodRequests refuses requests of the pod itself (spec.resources) that can't
// hold the sidecar's beside the containers'. The API server would refuse them too,
// with a sum that the user finds nowhere in the template. Where none are set it makes
// them from the containers', and then the pod's limits have to hold those.
func checkPodRequests(c *candidate) []Fault {
	if c.pod.Spec.Resources == nil {
		return nil
	}
	var faults []Fault
	for _, r := range computes {
		list := "requests"
		has, set := c.pod.Spec.Resources.Requests[r.name]
		if !set {
			list = "limits"
			has, set = c.pod.Spec.Resources.Limits[r.name]
		}
		others, own := c.requested(r.name), c.resources.Requests[r.name]
		if !set || !calculable(has, others, own) {
			continue
		}
		needed := others.DeepCopy()
		needed.Add(own)
		if needed.Cmp(has) > 0 {
			faults = append(faults, Fault{
				Reason: ResourceConflict, Key: fmt.Sprintf("spec.resources.%s[%s]", list, r.name), Value: has.String(),
				Allowed: fmt.Sprintf("at least %s, which are the containers' requests of %s and the election sidecar's of %s: set it in the pod template, or lower %s",
					needed.String(), others.String(), own.String(), r.request),
			})
		}
	}
	return faults
}

// injectPodRequests writes down what the API server would take for a pod that has
// limits of its own, and no container with a request: the limits. With the
// sidecar's requests it would take those, and the pod would not be Guaranteed any
// more. API servers before 1.37 have written them before they ask the webhook.
func injectPodRequests(c *candidate) []jsonpatch.Operation {
	if c.pod.Spec.Resources == nil {
		return nil
	}
	missing := corev1.ResourceList{}
	var ops []jsonpatch.Operation
	for _, r := range computes {
		limit, limited := c.pod.Spec.Resources.Limits[r.name]
		if _, requested := c.pod.Spec.Resources.Requests[r.name]; !limited || requested || c.requests(r.name) {
			continue
		}
		missing[r.name] = limit
		ops = append(ops, add(limit, "spec", "resources", "requests", string(r.name)))
	}
	if len(missing) > 0 && len(c.pod.Spec.Resources.Requests) == 0 {
		return []jsonpatch.Operation{add(missing, "spec", "resources", "requests")}
	}
	return ops
}

// requests says whether a container but the sidecar requests anything of a resource.
func (c *candidate) requests(name corev1.ResourceName) bool {
	found := false
	c.others(func(_ string, container *corev1.Container) {
		_, requested := container.Resources.Requests[name]
		_, limited := container.Resources.Limits[name] // the API server's default
		found = found || requested || limited
	})
	return found
}

// requested is what all containers but the sidecar request together, as the
// scheduler sums it: those that run for the pod's whole life, or else the greatest
// init container beside those that were started before it.
func (c *candidate) requested(name corev1.ResourceName) resource.Quantity {
	var running, peak resource.Quantity
	c.others(func(_ string, container *corev1.Container) {
		request, ok := container.Resources.Requests[name]
		if !ok {
			request = container.Resources.Limits[name] // the API server's default
		}
		if !calculable(request) {
			return // no node has that: the API server has its say
		}
		together := running.DeepCopy()
		together.Add(request)
		if together.Cmp(peak) > 0 {
			peak = together
		}
		if !c.isInit(container) || restarts(container) {
			running = together
		}
	})
	return peak
}

// isInit says whether a container of the pod is an init container.
func (c *candidate) isInit(container *corev1.Container) bool {
	for i := range c.pod.Spec.InitContainers {
		if container == &c.pod.Spec.InitContainers[i] {
			return true
		}
	}
	return false
}

// restarts says whether an init container runs for the pod's whole life.
func restarts(container *corev1.Container) bool {
	return container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways
}
