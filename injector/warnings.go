package injector

import "github.com/leaseholder-dev/leaseholder/sidecar/config"

// unreadyWarnings says, by the kind of the workload, what pods that are not
// Ready can do to it. How many there are to be, and how they are replaced, only
// the workload itself says: see Inspect.
var unreadyWarnings = map[string]string{
	"deployment": stopsEffect + waits + ": spec.strategy.rollingUpdate.maxUnavailable: allowed: " + deploymentCure,
	"statefulset": stopsEffect + waits + ": spec.updateStrategy.type: allowed: " + statefulSetCure +
		"; and of several replicas some are not made: spec.podManagementPolicy: allowed: " + orderedCure,
	"daemonset": stopsEffect + waits + ": spec.updateStrategy.rollingUpdate.maxUnavailable: allowed: " + daemonSetCure,
}

// warnings is what works, but not as everyone expects.
func (c *candidate) warnings() []string {
	var all []string
	if f, found := identity(c.lock, c.pod); found {
		all = append(all, needsIdentity+": "+f.String())
	}
	if c.settings.Standby != config.StandbyUnready {
		return all
	}
	if warning, ok := unreadyWarnings[c.workload.kind]; ok {
		all = append(all, warning)
	}
	return all
}
