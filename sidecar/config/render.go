package config

import "strings"

// Variable is one environment variable.
type Variable struct{ Name, Value string }

// Render gives the environment that Parse turns back into s, in a fixed order.
// PodName and PodUID are left out when empty: a pod's own are known to the
// kubelet alone, and come by the downward API. LockCredentials is left out when
// empty, and StepDown when on.
func Render(s Settings) []Variable {
	var vars []Variable
	add := func(setting Setting, value string) {
		vars = append(vars, Variable{Name: setting.Variable(), Value: value})
	}
	add(Election, s.Election)
	add(Namespace, s.Namespace)
	if s.PodName != "" {
		add(PodName, s.PodName)
	}
	if s.PodUID != "" {
		add(PodUID, s.PodUID)
	}
	add(Lock, s.Lock.String())
	if s.LockCredentials != "" {
		add(LockCredentials, s.LockCredentials)
	}
	add(StandbyMode, string(s.Standby))
	add(LeaseDuration, s.Timing.LeaseDuration.String())
	add(RenewDeadline, s.Timing.RenewDeadline.String())
	add(RetryPeriod, s.Timing.RetryPeriod.String())
	add(APIAddress, s.APIAddress)
	add(ProbeAddress, s.ProbeAddress)
	add(LogLevel, strings.ToLower(s.LogLevel.String()))
	if !s.StepDown {
		add(StepDown, off)
	}
	return vars
}
