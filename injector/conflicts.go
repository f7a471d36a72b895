package injector

import (
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// checks refuse what cannot work together with the rest of the pod, each its
// own, in any order.
var checks = []func(*candidate) []Fault{
	checkSystem,
	checkContainers,
	checkMetadata,
	checkNames,
	checkSamePort,
	checkUsedPorts,
	checkHostNetwork,
	checkPodRequests,
}

func checkSystem(c *candidate) []Fault {
	const allowed = "linux, for the election sidecar does not run on Windows nodes"
	if os := c.pod.Spec.OS; os != nil && os.Name == corev1.Windows {
		return []Fault{{Reason: WindowsPod, Key: "spec.os.name", Value: string(os.Name), Allowed: allowed}}
	}
	if value := c.pod.Spec.NodeSelector[corev1.LabelOSStable]; value == string(corev1.Windows) {
		return []Fault{{Reason: WindowsPod, Key: "spec.nodeSelector[" + corev1.LabelOSStable + "]", Value: value, Allowed: allowed}}
	}
	if wantsWindows(c.pod.Spec.Affinity) {
		return []Fault{{
			Reason: WindowsPod, Key: "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution[" + corev1.LabelOSStable + "]",
			Value: string(corev1.Windows), Allowed: allowed,
		}}
	}
	if pod := c.pod.Spec.SecurityContext; pod != nil && hostProcess(pod.WindowsOptions) {
		return []Fault{hostProcessFault("spec")}
	}
	var faults []Fault
	c.others(func(path string, container *corev1.Container) {
		if own := container.SecurityContext; own != nil && hostProcess(own.WindowsOptions) {
			faults = append(faults, hostProcessFault(path))
		}
	})
	return faults
}

// hostProcess says whether a container runs as a process of a Windows node. In a pod,
// all do or none.
func hostProcess(options *corev1.WindowsSecurityContextOptions) bool {
	return options != nil && options.HostProcess != nil && *options.HostProcess
}

func hostProcessFault(path string) Fault {
	return Fault{
		Reason: WindowsPod, Key: path + ".securityContext.windowsOptions.hostProcess", Value: "true",
		Allowed: "false, for the election sidecar does not run on Windows nodes",
	}
}

// wantsWindows says whether each way to place a pod is on Windows.
func wantsWindows(affinity *corev1.Affinity) bool {
	if affinity == nil || affinity.NodeAffinity == nil || affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return false
	}
	windows := func(r corev1.NodeSelectorRequirement) bool {
		return r.Key == corev1.LabelOSStable && r.Operator == corev1.NodeSelectorOpIn && slices.Equal(r.Values, []string{string(corev1.Windows)})
	}
	terms := affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	for i := range terms {
		if !slices.ContainsFunc(terms[i].MatchExpressions, windows) {
			return false
		}
	}
	return len(terms) > 0
}

func checkContainers(c *candidate) []Fault {
	if len(c.pod.Spec.Containers) > 0 {
		return nil
	}
	return []Fault{{Reason: NoContainers, Key: "spec.containers", Unset: true, Allowed: "one container or more"}}
}

const otherName = "any other name, this one is the election sidecar's"

// ownVolumes are the names of the volumes that only the sidecar mounts, and what they
// hold.
var ownVolumes = map[string]string{TokenVolume: "token", LockVolume: "lock's Secret"}

// checkNames refuses what has a name of ours without being ours. What the first
// init container of our name is, is judged by differences.
func checkNames(c *candidate) []Fault {
	var faults []Fault
	c.others(func(path string, container *corev1.Container) {
		if container.Name == ContainerName {
			faults = append(faults, Fault{
				Reason: NameTaken, Key: path + ".name", Value: container.Name,
				Allowed: otherName,
			})
		}
		for i := range container.VolumeMounts {
			if holds, ours := ownVolumes[container.VolumeMounts[i].Name]; ours {
				faults = append(faults, Fault{
					Reason: NameTaken, Key: path + ".volumeMounts[" + strconv.Itoa(i) + "].name", Value: container.VolumeMounts[i].Name,
					Allowed: "any other name, the " + holds + " in this volume is the election sidecar's alone",
				})
			}
		}
	})
	if c.sidecar >= 0 {
		return faults
	}
	for i, volume := range c.pod.Spec.Volumes {
		if _, ours := ownVolumes[volume.Name]; ours {
			faults = append(faults, Fault{
				Reason: NameTaken, Key: "spec.volumes[" + strconv.Itoa(i) + "].name", Value: volume.Name,
				Allowed: "any other name, this one is the election sidecar's volume",
			})
		}
	}
	return faults
}

func checkSamePort(c *candidate) []Fault {
	if c.apiPort == 0 || c.apiPort != c.probePort {
		return nil
	}
	other := c.annotations.fault(PortConflict, AnnotationPort, portString(c.apiPort), "")
	return []Fault{c.annotations.fault(PortConflict, AnnotationProbePort, portString(c.probePort),
		"a port that differs from "+other.subject())}
}

// checkUsedPorts compares with the ports that the containers declare. All of a
// pod's containers share one network, and the sidecar listens beside each.
func checkUsedPorts(c *candidate) []Fault {
	var faults []Fault
	for _, own := range []struct {
		key  string
		port int32
	}{{AnnotationPort, c.apiPort}, {AnnotationProbePort, c.probePort}} {
		var users []string
		c.others(func(path string, container *corev1.Container) {
			for _, p := range container.Ports {
				tcp := p.Protocol == corev1.ProtocolTCP || p.Protocol == ""
				if tcp && p.ContainerPort == own.port && own.port != 0 {
					users = append(users, fmt.Sprintf("%s (%s)", quote(container.Name), path))
					return
				}
			}
		})
		if len(users) > 0 {
			faults = append(faults, c.annotations.fault(PortConflict, own.key, portString(own.port),
				"a port that no container of the pod uses, this one is used by "+list(users)))
		}
	}
	return faults
}

// checkHostNetwork wants both ports chosen: on a node's network they are taken
// from every pod of the node.
func checkHostNetwork(c *candidate) []Fault {
	if !c.pod.Spec.HostNetwork {
		return nil
	}
	var faults []Fault
	for _, own := range []struct {
		key  string
		port int32
	}{{AnnotationPort, c.apiPort}, {AnnotationProbePort, c.probePort}} {
		if _, given := c.annotations[own.key]; !given {
			faults = append(faults, c.annotations.fault(HostNetworkPorts, own.key, portString(own.port),
				"with hostNetwork, a port that is set explicitly and free on every node"))
		}
	}
	return faults
}
