package bench

import (
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/test/bench/plane"
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
