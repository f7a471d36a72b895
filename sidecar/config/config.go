// Package config is the contract between the injector, which renders the
// sidecar's settings into environment variables, and the sidecar, which parses
// them. It is the only place that knows the variables' names, defaults and
// bounds, and it uses the standard library alone, so that both sides can
// import it at no cost.
//
// It promises that Parse(Render(s)) gives s back, and that Parse reports every
// fault of an environment at once, each with the variable, its value and what
// is allowed.
package config

import (
	"log/slog"
	"net"
	"time"
)

// Setting names one setting by its stem. The annotation of a setting is
// "leaseholder.dev/" followed by the stem, its environment variable is
// "LEASEHOLDER_" followed by the stem in upper case with underscores.
type Setting string

// The sidecar's settings.
const (
	Election      Setting = "election"
	Namespace     Setting = "namespace"
	PodName       Setting = "pod-name"
	PodUID        Setting = "pod-uid"
	Lock          Setting = "lock"
	StandbyMode   Setting = "standby"
	LeaseDuration Setting = "lease-duration"
	RenewDeadline Setting = "renew-deadline"
	RetryPeriod   Setting = "retry-period"
	APIAddress    Setting = "api-address"
	ProbeAddress  Setting = "probe-address"
	LogLevel      Setting = "log-level"
	StepDown      Setting = "step-down"
	// LockCredentials is a folder; see Settings.
	LockCredentials Setting = "lock-credentials"
)

// Defaults of the settings.
const (
	// DefaultAPIPort is the loopback port of the local API.
	DefaultAPIPort = 4040
	// DefaultProbePort is the port of the probes and metrics.
	DefaultProbePort = 4041
	// LockCredentialsPath is where the injector mounts the Secret with the credentials
	// for a lock outside the cluster, which is then Settings.LockCredentials.
	LockCredentialsPath = "/var/run/secrets/leaseholder.dev/lock"
	// URLVariable tells an application container where the local API is.
	URLVariable = "LEASEHOLDER_URL"
)

// Standby says what a standby looks like from outside its pod.
type Standby string

const (
	// StandbyReady leaves every pod as Ready as its application says.
	StandbyReady Standby = "ready"
	// StandbyUnready makes the leader's pod the only Ready one.
	StandbyUnready Standby = "unready"
)

// Standbys lists the allowed values of Standby, the default first.
func Standbys() []Standby { return []Standby{StandbyReady, StandbyUnready} }

// LogLevels lists the allowed log levels, most verbose first.
func LogLevels() []string { return []string{"debug", "info", "warn", "error"} }

// Allowed values of StepDown.
const (
	on  = "on"
	off = "off"
)

// Settings are everything that a sidecar is told.
type Settings struct {
	// Election is the election's name and the lock's: a DNS-1123 label.
	Election string
	// Namespace is the pod's namespace and the lock's.
	Namespace string
	// PodName and PodUID identify the candidate. A name alone comes again.
	PodName, PodUID string
	// Lock is where the lock is; default LockLease.
	Lock LockAddress
	// LockCredentials is the absolute path of a folder with the credentials for a lock
	// outside the cluster, a file each; empty, the default, for those that the pod's
	// surroundings give (workload identity). A lock in the cluster has none.
	LockCredentials string
	// Standby is what a standby looks like; default StandbyReady.
	Standby Standby
	// Timing holds the three durations; default DefaultTimingOf the lock.
	Timing Timing
	// APIAddress is where the local API listens: a loopback IP address and a
	// port; default 127.0.0.1:4040.
	APIAddress string
	// ProbeAddress is where probes and metrics are served; default :4041.
	ProbeAddress string
	// LogLevel is the least level that is logged; default info.
	LogLevel slog.Level
	// StepDown says whether the local API takes POST /step-down; default true.
	// In the host's network the loopback address is everybody's on that node.
	StepDown bool
}

// Timing is the three durations of an election. All candidates of one election
// must use the same.
type Timing struct {
	// LeaseDuration is how long a silent holder is respected, in whole seconds.
	LeaseDuration time.Duration
	// RenewDeadline is how long a leader may lead after its last renewal was sent.
	RenewDeadline time.Duration
	// RetryPeriod is the time between two renewals.
	RetryPeriod time.Duration
}

// DefaultTiming is what client-go's users know: 15 s, 10 s and 2 s.
func DefaultTiming() Timing {
	return Timing{LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second}
}

// Default gives the settings with every optional one at its default.
func Default() Settings {
	return Settings{
		Lock:         LockAddress{Scheme: LockLease},
		Standby:      StandbyReady,
		Timing:       DefaultTiming(),
		APIAddress:   net.JoinHostPort("127.0.0.1", "4040"),
		ProbeAddress: ":4041",
		LogLevel:     slog.LevelInfo,
		StepDown:     true,
	}
}
