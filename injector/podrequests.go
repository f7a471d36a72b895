package injector

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// checkPodRequests refuses requests of the pod itself (spec.resources) that can't
// hold the sidecar's beside the containers'. The API server would refuse them too,
// with a sum that the user finds nowhere in the template. A request that is not
// set is often one all the same: the API server makes it from the containers'.
func checkPodRequests(c *candidate) []Fault {
	if c.pod.Spec.Resources == nil {
		return nil
	}
	var faults []Fault
	for _, r := range computes {
		has, set := c.pod.Spec.Resources.Requests[r.name]
		others, own := c.requested(r.name), c.resources.Requests[r.name]
		if !set || !calculable(has, others, own) {
			continue
		}
		needed := others.DeepCopy()
		needed.Add(own)
		if needed.Cmp(has) > 0 {
			faults = append(faults, Fault{
				Reason: ResourceConflict, Key: fmt.Sprintf("spec.resources.requests[%s]", r.name), Value: has.String(),
				Allowed: fmt.Sprintf("at least %s, which are the containers' %s and the election sidecar's %s: set it in the pod template, or lower %s",
					needed.String(), others.String(), own.String(), r.request),
			})
		}
	}
	return faults
}

// checkPodLimits refuses limits of the pod itself that are below the sidecar's,
// which the API server refuses too, of a container that the user never wrote.
func checkPodLimits(c *candidate) []Fault {
	if c.pod.Spec.Resources == nil {
		return nil
	}
	var faults []Fault
	for _, r := range computes {
		has, set := c.pod.Spec.Resources.Limits[r.name]
		own := c.resources.Limits[r.name]
		if !set || !calculable(has, own) || own.Cmp(has) <= 0 {
			continue
		}
		faults = append(faults, Fault{
			Reason: ResourceConflict, Key: fmt.Sprintf("spec.resources.limits[%s]", r.name), Value: has.String(),
			Allowed: fmt.Sprintf("at least the election sidecar's limit of %s: set it in the pod template, or lower %s", own.String(), r.limit),
		})
	}
	return faults
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
