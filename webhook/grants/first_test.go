package grants

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

func TestAnElectionIsRememberedForTheLongestLeaseDuration(t *testing.T) {
	timing := config.Default().Timing
	timing.LeaseDuration = remembered
	if faults := timing.Faults(); len(faults) > 0 {
		t.Errorf("no lease can last that long: %v", faults)
	}
	if timing.LeaseDuration += time.Second; len(timing.Faults()) == 0 {
		t.Error("a lease can last longer")
	}

	e := view.Election{Namespace: "n", Name: "orders"}
	r := newTerm(Options{})
	r.setSeen(e)
	if again := r.forget(e); again <= 0 || !r.knows(e) {
		t.Errorf("forgotten at once, or not asked again: %s", again)
	}
	r.seen[e] = time.Now().Add(-remembered)
	if again := r.forget(e); again != 0 || r.knows(e) {
		t.Errorf("never forgotten: %s", again)
	}
}

// A replica knows nothing of the time before it began.
func TestTheDelayBeginsAnewWithEveryStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := view.Election{Namespace: "n", Name: "orders"}
		r := newTerm(Options{})
		if d := r.unusedFor(e); d != 0 {
			t.Errorf("unused for %s at the first look", d)
		}
		time.Sleep(time.Hour)
		if d := r.unusedFor(e); d != time.Hour {
			t.Errorf("unused for %s after an hour", d)
		}
		if d := newTerm(Options{}).unusedFor(e); d != 0 {
			t.Errorf("unused for %s after a start", d)
		}
		r.setUsed(e)
		if d := r.unusedFor(e); d != 0 {
			t.Errorf("unused for %s after it was used", d)
		}
	})
}
