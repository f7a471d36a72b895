package injector

import (
	"regexp"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// compute is a resource of which the sidecar always has a request and a limit.
type compute struct {
	name           corev1.ResourceName
	request, limit string // the annotations' keys
	scale          resource.Scale
	allowed        string
}

var computes = []compute{
	{
		corev1.ResourceCPU, AnnotationCPURequest, AnnotationCPULimit,
		resource.Milli, "a quantity of cores above 0, in whole thousandths, such as 50m or 0.1",
	},
	{
		corev1.ResourceMemory, AnnotationMemoryRequest, AnnotationMemoryLimit,
		0, "a quantity of bytes above 0, in whole bytes, such as 32Mi or 64M",
	},
}

// plainQuantity is what is given to the API's own parser. Comparing quantities
// takes time and memory in proportion to their exponents: 1e10000000 takes a
// second, so no longer exponent is let through.
var plainQuantity = regexp.MustCompile(`^([0-9]{1,18}(\.[0-9]{0,9})?|\.[0-9]{1,9})([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?$`)

// comparableQuantity is above every quantity of a node, and below what takes long to compare.
const comparableQuantity = 1e18

// readResources completes the annotations by the administrator's defaults. In a
// Guaranteed pod the requests are the limits, so that the pod stays Guaranteed.
func readResources(c *candidate) []Fault {
	resources := c.defaultResources()
	if resources.Requests == nil {
		resources.Requests = corev1.ResourceList{}
	}
	if resources.Limits == nil {
		resources.Limits = corev1.ResourceList{}
	}
	equal := c.guaranteed()
	var faults []Fault
	for _, r := range computes {
		request, limit, wrong := r.resolve(c.annotations, resources.Requests[r.name], resources.Limits[r.name], equal[r.name])
		faults = append(faults, wrong...)
		resources.Requests[r.name], resources.Limits[r.name] = request, limit
	}
	c.resources = *resources
	return faults
}

// resolve gives the request and the limit of one resource.
func (r compute) resolve(a annotations, request, limit resource.Quantity, equal bool) (_, _ resource.Quantity, faults []Fault) {
	read := func(key string, q *resource.Quantity) (given bool) {
		value, given := a[key]
		if !given {
			return false
		}
		parsed, ok := r.parse(value)
		if !ok {
			faults = append(faults, a.fault(InvalidValue, key, "", r.allowed))
		}
		*q = parsed
		return true
	}
	requestGiven, limitGiven := read(r.request, &request), read(r.limit, &limit)
	if len(faults) > 0 {
		return request, limit, faults
	}
	requestFault := func(allowed string) Fault {
		other := a.fault(ResourceConflict, r.limit, limit.String(), "")
		return a.fault(ResourceConflict, r.request, request.String(), allowed+" "+other.subject())
	}
	switch {
	case equal && requestGiven && limitGiven:
		if request.Cmp(limit) != 0 {
			faults = append(faults, requestFault("in a pod of QoS class Guaranteed, the same as"))
		}
	case equal && requestGiven:
		limit = request
	case equal && !limit.IsZero():
		request = limit
	case equal:
		limit = request
	case request.Cmp(limit) > 0:
		faults = append(faults, requestFault("at most"))
	}
	return request, limit, faults
}

// parse reads a quantity that the kubelet can do something with.
func (r compute) parse(value string) (resource.Quantity, bool) {
	if !plainQuantity.MatchString(value) {
		return resource.Quantity{}, false
	}
	q, err := resource.ParseQuantity(value)
	if err != nil || q.Sign() <= 0 {
		return resource.Quantity{}, false
	}
	rounded := q.DeepCopy()
	return q, rounded.RoundUp(r.scale)
}

// guaranteed names the resources of which the sidecar's request has to be its limit,
// for the pod to stay of QoS class Guaranteed; none if it is of another class. Where a
// pod has a limit of its own, the sidecar's does not count.
func (c *candidate) guaranteed() map[corev1.ResourceName]bool {
	equal := map[corev1.ResourceName]bool{}
	for _, r := range computes {
		exact, byPod := c.exactPod(r.name)
		if !byPod {
			exact = c.exactContainers(r.name)
		}
		if !exact {
			return nil
		}
		equal[r.name] = !byPod
	}
	return equal
}

// exactPod says whether the pod has a limit of its own, and a request that equals it,
// as the API server makes it where there is none.
func (c *candidate) exactPod(name corev1.ResourceName) (exact, limited bool) {
	if c.pod.Spec.Resources == nil {
		return false, false
	}
	limit, limited := c.pod.Spec.Resources.Limits[name]
	request, requested := c.pod.Spec.Resources.Requests[name]
	if requested && !limited && c.allLimited(name) {
		return true, true // the API server makes the limit of the request, unless the containers' are above it
	}
	if !requested && c.requests(name) {
		request, requested = c.requested(name), true
	}
	return limited && (!requested || sameQuantity(request, limit)), limited
}

// allLimited says whether every container but the sidecar has a limit.
func (c *candidate) allLimited(name corev1.ResourceName) bool {
	all := true
	c.others(func(_ string, container *corev1.Container) {
		_, limited := container.Resources.Limits[name]
		all = all && limited
	})
	return all
}

// exactContainers says whether every container has a limit, and a request that
// equals it.
func (c *candidate) exactContainers(name corev1.ResourceName) bool {
	all := true
	c.others(func(_ string, container *corev1.Container) {
		limit, limited := container.Resources.Limits[name]
		request, requested := container.Resources.Requests[name]
		if !limited || limit.IsZero() || requested && !sameQuantity(request, limit) {
			all = false
		}
	})
	return all
}

// sameQuantity compares quantities that a pod brought, which may be of any size.
func sameQuantity(a, b resource.Quantity) bool {
	return calculable(a, b) && a.Cmp(b) == 0
}

// calculable says whether quantities are small enough to calculate with.
func calculable(quantities ...resource.Quantity) bool {
	for _, q := range quantities {
		if q.AsApproximateFloat64() >= comparableQuantity {
			return false
		}
	}
	return true
}
