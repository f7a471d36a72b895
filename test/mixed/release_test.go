package mixed_test

import (
	"slices"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/election"
)

// followed checks that nobody waited for the record's duration: the Lease went
// from one contestant to the other by a release, well before the last renewal's
// duration had passed.
func (f *fleet) followed(from int, old, next, release string, lasts time.Duration) {
	f.t.Helper()
	took := f.history.await(f.t, next+" takes the Lease", from, heldBy(next))
	states := f.history.since(0)
	story := f.history.story(from)
	if want := []string{old, release, next}; !slices.Equal(story[:min(len(story), len(want))], want) {
		f.t.Fatalf("the Lease's history is %v, want %v", story, want)
	}
	var renewed time.Duration
	for _, s := range states[:took] {
		if heldBy(old)(s) {
			renewed = s.At
		}
	}
	waited := states[took].At - renewed
	f.t.Logf("%s followed %s %s after its last renewal, which was to last for %s, and %s after the release",
		next, old, waited, lasts, states[took].At-states[took-1].At)
	if waited >= lasts {
		f.t.Errorf("%s waited for %s, all of the duration of %s", next, waited, lasts)
	}
}

func TestOursFollowsAReleaseByClientGoAtOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	c := f.clientGo("clientgo-0", lasting)
	f.leads(c)
	s := f.ours("ours-0", lasting)
	// A release that bears no mark of ours counts once no leader of ours from
	// before client-go's term can be valid: after what ours waits for a foreign
	// holder, which is one second more than the duration. That begins when it has
	// read the Lease, which on a busy machine is long after it has started.
	eventually(t, "ours has read the Lease", func() bool {
		d, err := ask(t, s.URL(), func() {})
		f.must(err)
		return d.Name == c.Name()
	})
	seen := election.BootTime{}.Now()
	eventually(t, "client-go has led for long enough", func() bool {
		states := f.history.since(0)
		return states[len(states)-1].At > seen+lasting.lease+2*time.Second
	})
	from := f.history.len() - 1
	f.terminate(c)
	f.leads(s)
	f.followed(from, "clientgo-0", "ours-0", "unheld", lasting.lease)
	f.excluded()
	// client-go releases first and calls OnStoppedLeading then: an application
	// that goes on until that call leads beside the next leader.
	led := s.Terms()[0].Begun
	t.Logf("ours began %s after client-go was told to end, and OnStoppedLeading was called after %s",
		led-c.Terms()[0].Ended, c.Terms()[0].Stopped-c.Terms()[0].Ended)
	if told := c.Terms()[0].Ended; led < told {
		t.Errorf("ours led at %s, before client-go was told to end at %s", led, told)
	}
}

func TestClientGoFollowsAReleaseByOurs(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	s := f.ours("ours-0", lasting)
	f.leads(s)
	c := f.clientGo("clientgo-0", lasting)
	from := f.history.len() - 1
	f.terminate(s)
	f.leads(c)
	f.followed(from, "ours-0", "clientgo-0", "released by ours", lasting.lease)
	f.excluded()
}
