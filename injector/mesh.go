package injector

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"gomodules.xyz/jsonpatch/v2"
	corev1 "k8s.io/api/core/v1"
)

// Mesh is a service mesh with a proxy in each pod, through which all of the pod's
// traffic goes. The sidecar's must not: it starts before the proxy and ends after
// it, and the kubelet, which asks its probe port, is no part of the mesh. Each mesh
// has annotations with lists of what its proxy leaves alone.
type Mesh string

// The meshes.
const (
	// Istio is Istio with a proxy in each pod. Its ambient mode needs nothing.
	Istio Mesh = "istio"
	// Linkerd is Linkerd.
	Linkerd Mesh = "linkerd"
)

// Meshes lists the meshes that are known.
func Meshes() []Mesh { return []Mesh{Istio, Linkerd} }

// The annotations of meshes that get an entry, each with a comma-separated list.
const (
	istioInboundPorts    = "traffic.sidecar.istio.io/excludeInboundPorts"
	istioOutboundRanges  = "traffic.sidecar.istio.io/excludeOutboundIPRanges"
	linkerdInboundPorts  = "config.linkerd.io/skip-inbound-ports"
	linkerdOutboundPorts = "config.linkerd.io/skip-outbound-ports"
)

// What a pod says of a mesh, and where.
const (
	istioInject   = "sidecar.istio.io/inject" // a label, or an annotation
	istioRevision = "istio.io/rev"            // a label
	linkerdInject = "linkerd.io/inject"       // an annotation
)

// wish is whether a pod asks for the proxy of a mesh.
type wish int

const (
	silent wish = iota
	asked
	declined
)

// exclusion is an entry that has to be in the list of an annotation.
type exclusion struct {
	key, entry string
	// covers says whether another entry of the list stands for this one too.
	covers func(other string) bool
}

// meshed is how a mesh shows itself in a pod, and what it has to leave alone.
type meshed struct {
	mesh       Mesh
	proxy      string // the name of its proxy's container
	wish       func(*corev1.Pod) wish
	exclusions func(*candidate) []exclusion
}

var meshes = []meshed{
	{Istio, "istio-proxy", istioWish, istioExclusions},
	{Linkerd, "linkerd-proxy", linkerdWish, linkerdExclusions},
}

// istioWish reads values as Istio does: all but its words for yes are a no.
func istioWish(pod *corev1.Pod) wish {
	value, ok := pod.Labels[istioInject]
	if !ok {
		value = pod.Annotations[istioInject]
	}
	switch strings.ToLower(value) {
	case "true", "yes", "y", "on":
		return asked
	case "":
		if pod.Labels[istioRevision] != "" {
			return asked
		}
		return silent
	default:
		return declined
	}
}

func linkerdWish(pod *corev1.Pod) wish {
	switch pod.Annotations[linkerdInject] {
	case "enabled", "ingress":
		return asked
	case "disabled":
		return declined
	default:
		return silent
	}
}

// istioExclusions leave out the API server's address, and no other that has the
// same port.
func istioExclusions(c *candidate) []exclusion {
	all := []exclusion{excludedPort(istioInboundPorts, uint16(c.probePort))}
	if server := c.admin.APIServer; server.IsValid() {
		all = append(all, excludedAddress(istioOutboundRanges, server.Addr().Unmap()))
	}
	return all
}

// linkerdExclusions leave out the API server's port: Linkerd's subnets are those
// from which traffic comes, so it has nothing narrower.
func linkerdExclusions(c *candidate) []exclusion {
	all := []exclusion{excludedPort(linkerdInboundPorts, uint16(c.probePort))}
	if server := c.admin.APIServer; server.IsValid() {
		all = append(all, excludedPort(linkerdOutboundPorts, server.Port()))
	}
	return all
}

// excludedPort is covered by ranges, which Linkerd has.
func excludedPort(key string, port uint16) exclusion {
	return exclusion{key, strconv.Itoa(int(port)), func(other string) bool {
		low, high, ranged := strings.Cut(other, "-")
		if !ranged {
			high = low
		}
		from, err := strconv.ParseUint(strings.TrimSpace(low), 10, 16)
		if err != nil {
			return false
		}
		to, err := strconv.ParseUint(strings.TrimSpace(high), 10, 16)
		return err == nil && from <= uint64(port) && uint64(port) <= to
	}}
}

func excludedAddress(key string, address netip.Addr) exclusion {
	return exclusion{key, netip.PrefixFrom(address, address.BitLen()).String(), func(other string) bool {
		prefix, err := netip.ParsePrefix(other)
		return err == nil && prefix.Contains(address)
	}}
}

// merged is a list with the entry. What the user wrote stays as it is, also where
// the mesh can't read it.
func (e exclusion) merged(list string) string {
	trimmed := strings.TrimSpace(list)
	switch trimmed {
	case "":
		return e.entry
	case "*":
		return list
	}
	for other := range strings.SplitSeq(trimmed, ",") {
		if e.covers(strings.TrimSpace(other)) {
			return list
		}
	}
	if strings.HasSuffix(trimmed, ",") {
		return list + e.entry
	}
	return list + "," + e.entry
}

// meets says whether the pod will have the mesh's proxy. That a namespace asks for
// it can't be seen in a pod: Settings.Meshes says it.
func (c *candidate) meets(m meshed) bool {
	if c.pod.Spec.HostNetwork {
		return false // no mesh catches a node's traffic
	}
	if hasContainer(c.pod, m.proxy) {
		return true
	}
	switch m.wish(c.pod) {
	case asked:
		return true
	case declined:
		return false
	default:
		return slices.Contains(c.admin.Meshes, m.mesh)
	}
}

func hasContainer(pod *corev1.Pod, name string) bool {
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			if containers[i].Name == name {
				return true
			}
		}
	}
	return false
}

// injectMeshes also completes the lists of a pod that is injected already, for the
// mesh's webhook can come in between.
func injectMeshes(c *candidate) []jsonpatch.Operation {
	var ops []jsonpatch.Operation
	lists := map[string]string{}
	for _, m := range meshes {
		if !c.meets(m) {
			continue
		}
		for _, e := range m.exclusions(c) {
			list, ok := c.pod.Annotations[e.key]
			if merged := e.merged(list); !ok || merged != list {
				lists[e.key] = merged
				ops = append(ops, add(merged, "metadata", "annotations", e.key))
			}
		}
	}
	if len(lists) > 0 && len(c.pod.Annotations) == 0 {
		return []jsonpatch.Operation{add(lists, "metadata", "annotations")}
	}
	return ops
}
