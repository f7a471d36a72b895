package config_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

func getenv(vars []config.Variable) func(string) string {
	m := map[string]string{}
	for _, v := range vars {
		m[v.Name] = v.Value
	}
	return func(name string) string { return m[name] }
}

func valid() config.Settings {
	s := config.Default()
	s.Election, s.Namespace, s.PodName, s.PodUID = "deployment-orders", "shop", "orders-0", "0f3c"
	return s
}

func TestParseGivesBackWhatRenderWrote(t *testing.T) {
	other := valid()
	other.Standby = config.StandbyUnready
	other.Timing = config.Timing{LeaseDuration: 4 * time.Second, RenewDeadline: 2500 * time.Millisecond, RetryPeriod: 1500 * time.Millisecond}
	other.APIAddress, other.ProbeAddress, other.LogLevel = "[::1]:1", "10.0.0.1:65535", slog.LevelDebug
	other.StepDown = false
	other.Lock = config.LockAddress{Scheme: config.LockGCS, Bucket: "shop-locks", Object: "eu/orders"}
	other.LockCredentials = "/var/run/secrets/lock"
	for _, want := range []config.Settings{valid(), other} {
		got, err := config.Parse(getenv(config.Render(want)))
		if err != nil || got != want {
			t.Errorf("got %+v, %v\nwant %+v", got, err, want)
		}
	}
}

func TestParseFillsInDefaults(t *testing.T) {
	got, err := config.Parse(getenv([]config.Variable{
		{Name: "LEASEHOLDER_ELECTION", Value: "deployment-orders"},
		{Name: "LEASEHOLDER_NAMESPACE", Value: "shop"},
		{Name: "LEASEHOLDER_POD_NAME", Value: "orders-0"},
		{Name: "LEASEHOLDER_POD_UID", Value: "0f3c"},
	}))
	if err != nil || got != valid() {
		t.Errorf("got %+v, %v\nwant %+v", got, err, valid())
	}
}

func TestParseNamesEveryFault(t *testing.T) {
	_, err := config.Parse(getenv([]config.Variable{
		{Name: "LEASEHOLDER_ELECTION", Value: "Orders"},
		{Name: "LEASEHOLDER_STANDBY", Value: "asleep"},
		{Name: "LEASEHOLDER_LOCK", Value: "zookeeper"},
		{Name: "LEASEHOLDER_RENEW_DEADLINE", Value: "ten"},
		{Name: "LEASEHOLDER_API_ADDRESS", Value: "0.0.0.0:4040"},
		{Name: "LEASEHOLDER_PROBE_ADDRESS", Value: ":0"},
		{Name: "LEASEHOLDER_LOG_LEVEL", Value: "loud"},
		{Name: "LEASEHOLDER_STEP_DOWN", Value: "no"},
	}))
	if err == nil {
		t.Fatal("nothing was refused")
	}
	for _, want := range []string{
		`LEASEHOLDER_ELECTION="Orders" is refused, allowed: a DNS-1123 label`,
		`LEASEHOLDER_NAMESPACE="" is refused`,
		`LEASEHOLDER_POD_NAME="" is refused`,
		`LEASEHOLDER_POD_UID="" is refused`,
		`LEASEHOLDER_STANDBY="asleep" is refused, allowed: ready, unready`,
		`LEASEHOLDER_LOCK="zookeeper" is refused, allowed: lease, endpoints, gs://BUCKET/OBJECT`,
		`LEASEHOLDER_RENEW_DEADLINE="ten" is refused, allowed: a Go duration`,
		`LEASEHOLDER_API_ADDRESS="0.0.0.0:4040" is refused, allowed: a loopback IP address`,
		`LEASEHOLDER_PROBE_ADDRESS=":0" is refused`,
		`LEASEHOLDER_STEP_DOWN="no" is refused, allowed: on, off`,
		`LEASEHOLDER_LOG_LEVEL="loud" is refused, allowed: debug, info, warn, error`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
}

func TestParseRefusesWhatAnIdentityCannotCarry(t *testing.T) {
	for variable, values := range map[string][]string{
		"LEASEHOLDER_POD_NAME":      {"Orders", "a b", "a_b", strings.Repeat("a", 254)},
		"LEASEHOLDER_POD_UID":       {"a b", "a_b", strings.Repeat("a", 129)},
		"LEASEHOLDER_PROBE_ADDRESS": {":4040"},
	} {
		for _, value := range values {
			env := getenv(append(config.Render(valid()), config.Variable{Name: variable, Value: value}))
			if _, err := config.Parse(env); err == nil || !strings.HasPrefix(err.Error(), variable+"=") {
				t.Errorf("%s=%q gives %v", variable, value, err)
			}
		}
	}
}

func TestTimingFaults(t *testing.T) {
	const s = time.Second
	tests := map[string]struct {
		timing config.Timing
		fault  config.Setting // none if empty
	}{
		"the defaults fit":                       {config.DefaultTiming(), ""},
		"short durations fit":                    {config.Timing{LeaseDuration: 2 * s, RenewDeadline: 1500 * time.Millisecond, RetryPeriod: s}, ""},
		"the largest deadline fits":              {config.Timing{LeaseDuration: 21 * s, RenewDeadline: 20 * s, RetryPeriod: 2 * s}, ""},
		"a deadline beyond the margin does not":  {config.Timing{LeaseDuration: 21 * s, RenewDeadline: 20100 * time.Millisecond, RetryPeriod: 2 * s}, config.RenewDeadline},
		"a deadline as long as the lease is not": {config.Timing{LeaseDuration: 15 * s, RenewDeadline: 15 * s, RetryPeriod: 2 * s}, config.RenewDeadline},
		"a lease is whole seconds":               {config.Timing{LeaseDuration: 15500 * time.Millisecond, RenewDeadline: 10 * s, RetryPeriod: 2 * s}, config.LeaseDuration},
		"a lease of an hour fits":                {config.Timing{LeaseDuration: time.Hour, RenewDeadline: 10 * s, RetryPeriod: 2 * s}, ""},
		"a lease beyond an hour does not":        {config.Timing{LeaseDuration: time.Hour + s, RenewDeadline: 10 * s, RetryPeriod: 2 * s}, config.LeaseDuration},
		"no time for a second attempt":           {config.Timing{LeaseDuration: 15 * s, RenewDeadline: 2 * s, RetryPeriod: 2 * s}, config.RenewDeadline},
		"a period of nothing":                    {config.Timing{LeaseDuration: 15 * s, RenewDeadline: 10 * s}, config.RetryPeriod},
		"a period below a second":                {config.Timing{LeaseDuration: 15 * s, RenewDeadline: 10 * s, RetryPeriod: 999 * time.Millisecond}, config.RetryPeriod},
		"a deadline beyond all bounds":           {config.Timing{LeaseDuration: 15 * s, RenewDeadline: 2500000 * time.Hour, RetryPeriod: 2 * s}, config.RenewDeadline},
		"a negative period":                      {config.Timing{LeaseDuration: 15 * s, RenewDeadline: 10 * s, RetryPeriod: -s}, config.RetryPeriod},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			faults := test.timing.Faults()
			switch {
			case test.fault == "" && len(faults) > 0:
				t.Errorf("refused: %v", faults)
			case test.fault != "" && (len(faults) != 1 || faults[0].Setting != test.fault):
				t.Errorf("got %v, want one fault of %s", faults, test.fault)
			}
		})
	}
}

func TestEverySettingIsDescribed(t *testing.T) {
	described := map[string]bool{}
	for _, d := range config.Describe() {
		described[d.Setting.Variable()] = true
	}
	all := valid()
	all.StepDown, all.LockCredentials = false, "/x"
	for _, v := range config.Render(all) {
		if !described[v.Name] {
			t.Errorf("%s is rendered but not described", v.Name)
		}
		delete(described, v.Name)
	}
	if len(described) > 0 {
		t.Errorf("described but not rendered: %v", described)
	}
}
