package election

import (
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// bidding gives a machine whose bid for an unheld lock of version 5 is under way.
func bidding(t *testing.T) (*machine, request) {
	t.Helper()
	m := newMachine(lock.Identity{Pod: "a", UID: "u", Start: "1"}, seconds(15, 10, 2), func() float64 { return 0 })
	r := m.send(doRead, 0, epoch)
	r.answer = lock.Snapshot{Exists: true, Version: "5", UID: "1"}
	m.answered(0, r)
	m.watchBegun(0)
	if what, _ := m.next(bidAt); what != doWrite {
		t.Fatalf("it wants to %s, not to write", what)
	}
	bid := m.send(doWrite, bidAt, epoch)
	return m, bid
}

const bidAt = 20 * time.Second

func TestALateSuccessAfterAnotherHolderWasSeenGivesNoLead(t *testing.T) {
	m, bid := bidding(t)
	theirs := bid.record
	theirs.Holder = "client-go"
	m.watched(bidAt+1, lock.Snapshot{Exists: true, Version: "7", UID: "1", Record: theirs})
	bid.answer = lock.Snapshot{Exists: true, Version: "6", UID: "1", Record: bid.record}
	m.answered(bidAt+2, bid)
	if m.isLeader(bidAt + 2) {
		t.Error("it leads")
	}
}

func TestALockThatKeepsNoTokensIsNotWrittenInALoop(t *testing.T) {
	m, bid := bidding(t)
	now, version := bidAt, 5
	for range 20 {
		version++
		bid.answer = lock.Snapshot{Exists: true, Version: simVersion(version), UID: "1", Record: bid.record}
		bid.answer.Record.Token = 0
		now += time.Millisecond
		m.answered(now, bid)
		what, until := m.next(now)
		for what == idle {
			now = until
			what, until = m.next(now)
		}
		bid = m.send(what, now, epoch)
	}
	if m.isLeader(now) {
		t.Error("it leads without a token")
	}
	if took := now - bidAt; took < time.Second {
		t.Errorf("20 writes within %s", took)
	}
}

func TestAStrangersReleaseIsBoundToTheObject(t *testing.T) {
	held := lock.Snapshot{Exists: true, Version: "5", UID: "1", Record: lock.Record{Holder: "client-go", Stamp: "b_1_1", Token: 7, Duration: 15 * time.Second}}
	for name, test := range map[string]struct {
		change func(s *lock.Snapshot)
		atOnce bool
	}{
		"as the stranger leaves it":      {func(*lock.Snapshot) {}, true},
		"in another object":              {func(s *lock.Snapshot) { s.UID = "2" }, false},
		"with another token":             {func(s *lock.Snapshot) { s.Record.Token = 8 }, false},
		"with the stamp of another term": {func(s *lock.Snapshot) { s.Record.Stamp = "c_1_1" }, false},
		"with another duration":          {func(s *lock.Snapshot) { s.Record.Duration = 2 * time.Second }, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(lock.Identity{Pod: "a", UID: "u", Start: "1"}, seconds(15, 10, 2), func() float64 { return 0 })
			r := m.send(doRead, 0, epoch)
			r.answer = held
			m.answered(0, r)
			m.watchBegun(0)
			free := held
			free.Version, free.Record.Holder, free.Record.Duration = "6", "", time.Second
			test.change(&free)
			m.watched(time.Minute, free)
			if what, _ := m.next(time.Minute); (what == doWrite) != test.atOnce {
				t.Errorf("it wants to %s", what)
			}
		})
	}
}

func TestARequestToStepDownEndsWithTheTerm(t *testing.T) {
	asked := func(m *machine) { m.known.Record.StepDown, m.known.Record.Preferred = "b_1_1", "c" }
	m, _ := bidding(t)
	asked(m)
	if r := m.record(bidAt, epoch); r.StepDown != "" || r.Preferred != "" {
		t.Errorf("a new term keeps it: %+v", r)
	}
	m.leading = true
	if r := m.record(bidAt, epoch); r.StepDown == "" || r.Preferred == "" {
		t.Errorf("a renewal drops it: %+v", r)
	}
	m.giveUp(true)
	if r := m.record(bidAt, epoch); r.StepDown != "" || r.Preferred != "c" || r.Duration != time.Second {
		t.Errorf("a release is %+v", r)
	}
}

func TestALeaderWhoseWatchIsRefusedAsksForItLessAndLess(t *testing.T) {
	m, bid := bidding(t)
	now := bidAt
	bid.answer = lock.Snapshot{Exists: true, Version: "6", UID: "1", Record: bid.record}
	m.answered(now, bid)
	for range 10 {
		m.watchBegun(now)
		m.watchEnded(now)
		now = m.watchAt
	}
	m.watchEnded(now)
	if !m.leading || m.watchAt-now < m.timing.RetryPeriod/2 {
		t.Errorf("leading %v, it asks again after %s", m.leading, m.watchAt-now)
	}
}
