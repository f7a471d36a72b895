package mixed_test

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/test/contender"
)

// inOneTerm checks that a sidecar has never ceased to lead, and leads.
func (f *fleet) inOneTerm(s *contender.Process) {
	f.t.Helper()
	f.leads(s)
	if terms := s.Terms(); len(terms) != 1 {
		f.t.Errorf("%s led in %d terms: %+v", s.Name(), len(terms), terms)
	}
}

func TestOursLeadsOnWhereClientGoClearsItsLease(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	s := f.ours("ours-0", lasting)
	f.leads(s)
	from := f.history.len() - 1
	// As client-go's LeaderElector.tryRelease does after a pause: it updates
	// what it has just read, and decides by what it had seen long before.
	l := &resourcelock.LeaseLock{LeaseMeta: metav1.ObjectMeta{Namespace: namespace, Name: f.election}, Client: client.CoordinationV1()}
	eventually(t, "the Lease is cleared", func() bool {
		record, _, err := l.Get(t.Context())
		f.must(err)
		now := metav1.Now()
		// It fails only where a renewal was faster.
		return l.Update(t.Context(), resourcelock.LeaderElectionRecord{
			LeaderTransitions: record.LeaderTransitions, LeaseDurationSeconds: 1, RenewTime: now, AcquireTime: now,
		}) == nil
	})
	cleared := f.history.await(t, "the Lease is cleared", from, unheld)
	f.history.await(t, "ours writes again", cleared+1, heldBy("ours-0"))
	if story, want := f.history.story(from), []string{"ours-0", "unheld", "ours-0"}; !slices.Equal(story, want) {
		t.Errorf("the Lease's history is %v, want %v", story, want)
	}
	f.inOneTerm(s)
	states := f.history.since(cleared)
	t.Logf("ours had the Lease again after %s", states[1].At-states[0].At)
}

func TestOursLeadsOnWhereItsLeaseIsDeleted(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	s := f.ours("ours-0", lasting)
	f.leads(s)
	from := f.history.len() - 1
	token := s.Terms()[0].Token
	f.deleteLease()
	deleted := f.history.await(t, "the Lease is deleted", from, func(s state) bool { return s.Deleted })
	again := f.history.await(t, "ours has it again", deleted+1, heldBy("ours-0"))
	if story, want := f.history.story(from), []string{"ours-0", "deleted", "unheld", "ours-0"}; !slices.Equal(story, want) {
		t.Errorf("the Lease's history is %v, want %v", story, want)
	}
	f.inOneTerm(s)
	states := f.history.since(0)
	if states[again].Token != token {
		t.Errorf("the token is %d, want that of the term, %d", states[again].Token, token)
	}
	t.Logf("ours had the Lease again after %s", states[again].At-states[deleted].At)
}

func TestClientGoLeadsOnWhereItsLeaseIsDeletedAndOursStandsBy(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	c := f.clientGo("clientgo-0", lasting)
	f.leads(c)
	s := f.ours("ours-0", lasting)
	from := f.history.len() - 1
	f.deleteLease()
	deleted := f.history.await(t, "the Lease is deleted", from, func(s state) bool { return s.Deleted })
	again := f.history.await(t, "client-go has it again", deleted+1, heldBy("clientgo-0"))
	// A whole wait of ours passes, and client-go renews all the time.
	f.history.await(t, "time passes", again+int(lasting.lease/lasting.retry)+2, heldBy("clientgo-0"))
	if terms := c.Terms(); len(terms) != 1 || terms[0].Stopped != 0 {
		t.Errorf("client-go led in the terms %+v, want one that goes on", terms)
	}
	if terms := s.Terms(); len(terms) > 0 {
		t.Errorf("ours led: %+v", terms)
	}
	t.Logf("the Lease was %v", f.history.story(from))
	f.excluded()
}

func TestClientGoThatMakesADeletedLeaseLeadsBesideOurs(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	s := f.ours("ours-0", endless)
	f.leads(s)
	c := f.clientGo("clientgo-0", endless)
	// Ours would make it again within milliseconds: it stands still, for less
	// than its validity, as one does whose watch is late.
	f.must(s.Pause())
	f.deleteLease()
	f.leads(c)
	f.must(s.Resume())
	f.stops(s)
	all := f.overlaps()
	t.Logf("what client-go takes away: %v", all)
	if len(all) != 1 {
		t.Errorf("got %v, want one overlap, of ours with the one that made the Lease", all)
	}
	// Ours stopped because it saw the other, not because its validity ran out.
	f.leads(c)
	if now := (election.BootTime{}).Now(); s.Leading() || s.Terms()[0].Ended > now {
		t.Errorf("ours leads still: %+v", s.Terms())
	}
}

func TestOursWaitsForTheDurationThatClientGoAsksFor(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	longer := timing{lease: 2 * quick.lease, renew: lasting.renew, retry: quick.retry}
	c := f.clientGo("clientgo-0", longer)
	f.leads(c)
	s := f.ours("ours-0", quick)
	// Ours learns the duration from the Lease, also from a leader whom it has
	// never seen renew.
	f.kill(c)
	f.leads(s)
	states := f.history.since(0)
	took := f.history.await(t, "ours takes the Lease", 0, heldBy("ours-0"))
	waited := s.Terms()[0].Begun - contender.BootOf(states[took-1].Renewed)
	t.Logf("ours began %s after the last renewal, which asked for %s", waited, longer.lease)
	if waited < longer.lease {
		t.Errorf("ours waited for %s, want at least %s", waited, longer.lease)
	}
	f.excluded()
}
