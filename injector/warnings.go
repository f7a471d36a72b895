package injector

import "github.com/leaseholder-dev/leaseholder/sidecar/config"

// unreadyWarnings says, by the kind of the workload, what pods that are not
// Ready do to it.
var unreadyWarnings = map[string]string{
	"deployment": "a Deployment of several replicas in mode unready never becomes available: " +
		"use strategy Recreate or maxUnavailable ≥ replicas − 1",
	"statefulset": "a StatefulSet of several replicas in mode unready stays incomplete with podManagementPolicy OrderedReady: " +
		"use podManagementPolicy Parallel",
	"daemonset": "a DaemonSet of several pods in mode unready never becomes available, and its rolling update stops: " +
		"use maxUnavailable 100% or updateStrategy OnDelete",
}

// warnings is what works, but not as everyone expects.
func (c *candidate) warnings() []string {
	if c.settings.Standby != config.StandbyUnready {
		return nil
	}
	if warning, ok := unreadyWarnings[c.workload.kind]; ok {
		return []string{warning}
	}
	return nil
}
