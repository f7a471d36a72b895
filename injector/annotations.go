package injector

import (
	"maps"
	"slices"
	"strings"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// Prefix begins every annotation and label of the product.
const Prefix = "leaseholder.dev/"

// The annotations of a pod that this version knows. All but AnnotationInject
// are optional.
const (
	// AnnotationInject asks for the sidecar: "true" or "false", no default. Any
	// other annotation needs it, unless the namespace's Policy is Require or Default.
	AnnotationInject = Prefix + "inject"
	// AnnotationElection names the election and its lock: a DNS-1123 label.
	// Default: the kind and the name of the pod's workload, see Decision.Election.
	// A pod without a controller must set it.
	AnnotationElection = Prefix + string(config.Election)
	// AnnotationStandby is one of config.Standbys, the first by default.
	AnnotationStandby = Prefix + string(config.StandbyMode)
	// AnnotationLock says where the election's lock is, an address that config.ParseLock
	// reads, default config.LockLease. The sidecar's image depends on it.
	AnnotationLock = Prefix + string(config.Lock)
	// AnnotationLockSecret names a Secret of the pod's namespace with the credentials
	// for a lock outside the cluster, a DNS-1123 subdomain. It is mounted in the sidecar
	// alone. Default: none, for credentials that the pod's surroundings give.
	AnnotationLockSecret = Prefix + "lock-secret"
	// AnnotationLeaseDuration is a Go duration in whole seconds. Default: that of
	// config.DefaultTimingOf the lock, as of the two others.
	AnnotationLeaseDuration = Prefix + string(config.LeaseDuration)
	// AnnotationRenewDeadline is a Go duration.
	AnnotationRenewDeadline = Prefix + string(config.RenewDeadline)
	// AnnotationRetryPeriod is a Go duration.
	AnnotationRetryPeriod = Prefix + string(config.RetryPeriod)
	// AnnotationPort is the loopback TCP port of the sidecar's API, 1 to 65535,
	// default config.DefaultAPIPort. It must be set with hostNetwork.
	AnnotationPort = Prefix + "port"
	// AnnotationProbePort is the TCP port of the sidecar's probes and metrics, 1
	// to 65535, default config.DefaultProbePort. It must be set with hostNetwork.
	AnnotationProbePort = Prefix + "probe-port"
	// AnnotationPriority is a whole number of 32 bits, default 0: the ready
	// candidate with the highest is given the lead. The sidecar is not told it.
	AnnotationPriority = Prefix + "priority"
	// AnnotationCPURequest is the sidecar's CPU request, a quantity of cores in
	// whole thousandths. Default: Settings.Resources.
	AnnotationCPURequest = Prefix + "cpu-request"
	// AnnotationCPULimit is the sidecar's CPU limit, a quantity of cores in whole
	// thousandths. Default: Settings.Resources.
	AnnotationCPULimit = Prefix + "cpu-limit"
	// AnnotationMemoryRequest is the sidecar's memory request, a quantity of
	// whole bytes. Default: Settings.Resources.
	AnnotationMemoryRequest = Prefix + "memory-request"
	// AnnotationMemoryLimit is the sidecar's memory limit, a quantity of whole
	// bytes. Default: Settings.Resources.
	AnnotationMemoryLimit = Prefix + "memory-limit"
	// AnnotationLogLevel is the least level that the sidecar logs, one of
	// config.LogLevels. Default: Settings.LogLevel.
	AnnotationLogLevel = Prefix + string(config.LogLevel)
)

// AnnotationToken records, on an injected pod, the token of the last term for
// which the controller of roles changed its label; a decimal number. Nobody else
// sets it, so that it is none of Annotations.
const AnnotationToken = Prefix + "token"

// Annotations lists every annotation that this version knows, sorted.
func Annotations() []string {
	return []string{
		AnnotationCPULimit,
		AnnotationCPURequest,
		AnnotationElection,
		AnnotationInject,
		AnnotationLeaseDuration,
		AnnotationLock,
		AnnotationLockSecret,
		AnnotationLogLevel,
		AnnotationMemoryLimit,
		AnnotationMemoryRequest,
		AnnotationPort,
		AnnotationPriority,
		AnnotationProbePort,
		AnnotationRenewDeadline,
		AnnotationRetryPeriod,
		AnnotationStandby,
	}
}

// The labels of an injected pod. In a pod that arrives, they are refused.
const (
	// LabelElection is the election's name.
	LabelElection = config.LabelElection
	// LabelRole is RoleStandby at admission. The controller of roles changes it.
	LabelRole = Prefix + "role"
	// RoleLeader is the value of LabelRole on the leader's pod.
	RoleLeader = "leader"
	// RoleStandby is the value of LabelRole on every other pod.
	RoleStandby = "standby"
)

// annotations are the annotations of one pod that begin with Prefix.
type annotations map[string]string

func ownAnnotations(all map[string]string) annotations {
	own := annotations{}
	for key, value := range all {
		if strings.HasPrefix(key, Prefix) {
			own[key] = value
		}
	}
	return own
}

// fault is the fault of an annotation that is set, or else of the default that
// is in force instead; inForce is empty where there is no default.
func (a annotations) fault(reason Reason, key, inForce, allowed string) Fault {
	if value, ok := a[key]; ok {
		return Fault{Reason: reason, Key: key, Value: value, Allowed: allowed}
	}
	return Fault{Reason: reason, Key: key, Value: inForce, Unset: true, Allowed: allowed}
}

// first is the first key in the alphabet.
func (a annotations) first() string { return slices.Min(slices.Collect(maps.Keys(a))) }

// readInject refuses any value but "true"; a pod with "false" is never read.
func readInject(c *candidate) []Fault {
	_, said := c.annotations[AnnotationInject]
	switch {
	case c.annotations[AnnotationInject] == "true", !said && c.namespace.Policy.injects():
		return nil
	case !said:
		return []Fault{c.annotations.fault(InjectMissing, AnnotationInject, "",
			`"true" or "false", which must be said in a pod with another `+Prefix+` annotation`)}
	}
	return []Fault{c.annotations.fault(InvalidValue, AnnotationInject, "", `"true" or "false"`)}
}

// readUnknown refuses every key that is none of Annotations, so that a typing
// error never passes for a default. A pod that comes with the sidecar, such as
// one from a backup, can still bear the token of its former life.
func readUnknown(c *candidate) []Fault {
	known := Annotations()
	var faults []Fault
	for key := range c.annotations {
		if key == AnnotationToken && c.sidecar >= 0 {
			continue
		}
		if _, ok := slices.BinarySearch(known, key); !ok {
			faults = append(faults, c.annotations.fault(UnknownAnnotation, key, "", knownAllowed))
		}
	}
	return faults
}

var knownAllowed = "no such annotation, only " + Prefix + " with " +
	strings.ReplaceAll(strings.Join(Annotations(), ", "), Prefix, "")
