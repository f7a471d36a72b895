package config

import (
	"strings"
	"time"
)

// Description tells one setting to a person.
type Description struct {
	Setting Setting
	// Default is empty for a setting that must be given.
	Default string
	What    string
}

// Describe lists every setting that Parse reads.
func Describe() []Description {
	d, e := Default(), DefaultTimingOf(LockEndpoints)
	either := func(lease, endpoints time.Duration) string {
		if lease == endpoints {
			return lease.String()
		}
		return lease.String() + ", or " + endpoints.String() + " with lock " + string(LockEndpoints)
	}
	return []Description{
		{Election, "", "name of the election and of its Lease: " + ElectionAllowed},
		{Namespace, "", "namespace of the Lease"},
		{PodName, "", "name of this candidate, told to clients as the leader's"},
		{PodUID, "", "what tells this candidate from all others, also of the same name and on other machines"},
		{Lock, d.Lock.String(), "where the lock is"},
		{LockCredentials, "none", "folder with the credentials for a lock outside the cluster"},
		{StandbyMode, string(d.Standby), "readiness of a standby: " + strings.Join(names(Standbys()), ", ")},
		{LeaseDuration, either(d.Timing.LeaseDuration, e.LeaseDuration), "how long a silent leader is respected, in whole seconds"},
		{RenewDeadline, either(d.Timing.RenewDeadline, e.RenewDeadline), "how long a leader leads after its last renewal"},
		{RetryPeriod, either(d.Timing.RetryPeriod, e.RetryPeriod), "time between two renewals"},
		{APIAddress, d.APIAddress, "loopback address of the local API"},
		{ProbeAddress, d.ProbeAddress, "address of probes and metrics"},
		{LogLevel, "info", strings.Join(LogLevels(), ", ")},
		{StepDown, on, "whether the local API takes POST /step-down: " + on + ", " + off},
	}
}
