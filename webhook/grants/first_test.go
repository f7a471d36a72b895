package grants

import (
	"testing"
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
	r := &term{unused: map[view.Election]time.Time{}, seen: map[view.Election]time.Time{}}
	r.setSeen(e)
	if again := r.forget(e); again <= 0 || !r.knows(e) {
		t.Errorf("forgotten at once, or not asked again: %s", again)
	}
	r.seen[e] = time.Now().Add(-remembered)
	if again := r.forget(e); again != 0 || r.knows(e) {
		t.Errorf("never forgotten: %s", again)
	}
}
