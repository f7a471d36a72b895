package bench

import (
	"errors"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/test/bench/plane"
	"github.com/leaseholder-dev/leaseholder/test/bench/report"
)

func TestRequestsCountToTheirRound(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	r := round{lease: "a", from: at(10), to: at(20)}
	requests := []plane.Request{
		{At: at(9), Lease: "a", Verb: "patch", Code: 409},
		{At: at(10), Lease: "a", Verb: "patch", Code: 409},
		{At: at(11), Lease: "b", Verb: "patch", Code: 409},
		{At: at(12), Lease: "a", Verb: "list", Code: 200},
		{At: at(13), Lease: "a", Verb: "get", Code: 200},
		{At: at(14), Lease: "a", Verb: "watch", Code: 200},
		{At: at(15), Lease: "a", Verb: "patch", Code: 200},
		{At: at(19), Lease: "a", Verb: "update", Code: 409},
		{At: at(20), Lease: "a", Verb: "list", Code: 200},
	}
	if conflicts, reads := r.count(requests); conflicts != 2 || reads != 2 {
		t.Errorf("got %d conflicts and %d reads, want 2 and 2", conflicts, reads)
	}
}

func TestARoundIsJudgedByTheLease(t *testing.T) {
	const s = time.Second
	lasts := timing{lease: 15 * s}
	tests := map[string]struct {
		kind     report.Kind
		takeover takeover
		late     time.Duration
		fails    bool
		earlier  bool
	}{
		"a release":                            {report.Graceful, takeover{lastRenewal: 1 * s, released: 3 * s}, 17 * s, false, false},
		"no release, which is a fault":         {report.Graceful, takeover{lastRenewal: 1 * s}, 0, true, false},
		"a crash":                              {report.Crash, takeover{lastRenewal: 3 * s}, 2 * s, false, false},
		"a crash of who had let go on its own": {report.Crash, takeover{lastRenewal: 3 * s, released: 4 * s}, 0, true, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			late, err := series{kind: test.kind, timing: lasts}.late(20*s, test.takeover)
			if (err != nil) != test.fails || errors.Is(err, errEarlier) != test.earlier {
				t.Errorf("got %v", err)
			}
			if late != test.late {
				t.Errorf("it is %s late, want %s", late, test.late)
			}
		})
	}
}
