package api_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/api"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
)

func TestReadiness(t *testing.T) {
	tests := map[string]struct {
		mode   config.Standby
		status election.Status
		code   int
	}{
		"mode ready, leader":                      {config.StandbyReady, leading, 200},
		"mode ready, standby":                     {config.StandbyReady, standby, 200},
		"mode ready, nothing known":               {config.StandbyReady, election.Status{}, 200},
		"mode unready, leader":                    {config.StandbyUnready, leading, 200},
		"mode unready, standby":                   {config.StandbyUnready, standby, 503},
		"mode unready, nothing known of the lock": {config.StandbyUnready, election.Status{}, 503},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			probes := api.Probes(settings(test.mode), newSource(test.status), api.NewTermination(election.BootTime{}))
			if code, body := get(probes, "/readyz"); code != test.code {
				t.Errorf("got %d %s, want %d", code, body, test.code)
			}
			for _, path := range []string{"/livez", "/startz"} {
				if code, body := get(probes, path); code != 200 {
					t.Errorf("%s gives %d %s", path, code, body)
				}
			}
		})
	}
}

func TestMetrics(t *testing.T) {
	probes := api.Probes(settings(config.StandbyReady), newSource(leading), api.NewTermination(election.BootTime{}))
	code, body := get(probes, "/metrics")
	if code != 200 {
		t.Errorf("got %d", code)
	}
	for _, want := range []string{
		`leaseholder_is_leader{election="deployment-orders"} 1`,
		`leaseholder_valid_seconds{election="deployment-orders"} 2.5`,
		`leaseholder_fencing_token{election="deployment-orders"} 1767323045000`,
		"go_goroutines ",
		"process_resident_memory_bytes ",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not in\n%s", want, body)
		}
	}
	if strings.Contains(body, api.Unreadable) {
		t.Error("it tells what it can't know")
	}
}

// bubble is the virtual time of a synctest bubble.
type bubble struct{ start time.Time }

func (b bubble) Now() election.Instant { return time.Since(b.start) }

func TestTermination(t *testing.T) {
	tests := map[string]struct {
		calls []string
		after time.Duration
		want  bool
	}{
		"without a word from the kubelet":        {nil, time.Hour, true},
		"well within the grace period":           {[]string{"/prestop?grace=30"}, 20 * time.Second, true},
		"when the grace period has run out":      {[]string{"/prestop?grace=30"}, 30 * time.Second, false},
		"a moment before":                        {[]string{"/prestop?grace=30"}, 29500 * time.Millisecond, false},
		"a later call does not lengthen it":      {[]string{"/prestop?grace=5", "/prestop?grace=3600"}, 10 * time.Second, false},
		"a later call shortens it":               {[]string{"/prestop?grace=3600", "/prestop?grace=5"}, 10 * time.Second, false},
		"a call that says nothing counts for no": {[]string{"/prestop", "/prestop?grace=-1"}, time.Hour, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				termination := api.NewTermination(bubble{time.Now()})
				probes := api.Probes(settings(config.StandbyReady), newSource(leading), termination)
				for _, call := range test.calls {
					get(probes, call)
				}
				time.Sleep(test.after)
				if got := termination.InOrder(); got != test.want {
					t.Errorf("in order: %v, want %v", got, test.want)
				}
			})
		})
	}
}
