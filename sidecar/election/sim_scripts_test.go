package election

import (
	"errors"
	"fmt"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// scripted gives a world in which nothing goes wrong by chance.
func scripted(timing config.Timing) *world {
	w := newWorld(1, timing)
	w.brisk = 10 * time.Millisecond
	return w
}

// enter starts a process in a pod of its own.
func (w *world) enter(pod string, timing config.Timing) *simNode {
	n := w.start(pod, "uid-"+pod, w.newClock(), timing)
	n.mayMake = true
	return n
}

// steps are what a script does, one after another.
type steps struct {
	*world
	err error
}

func (s *steps) wait(d time.Duration) {
	if s.err == nil {
		s.err = s.run(s.now + d)
	}
}

// scriptMark: a lock that one of ours released is taken by client-go, and then
// cleared by hand. The mark is still there.
func scriptMark() error {
	s := steps{world: scripted(seconds(15, 10, 2))}
	a := s.enter("a", s.timing)
	s.wait(30 * time.Second)
	rival := s.startRival("client-go", s.newClock())
	s.wait(10 * time.Second)
	a.stop(true)
	s.wait(30 * time.Second)
	s.enter("b", s.timing)
	s.wait(10 * time.Second)
	rival.cut = true // and leads on for a while
	s.server.edit("cleared", func(r *lock.Record) { r.Holder = "" })
	s.wait(time.Minute)
	return s.err
}

// scriptCleared: the lock of a leader with a longer duration, which is cut off,
// is cleared by hand.
func scriptCleared() error {
	s := steps{world: scripted(seconds(10, 8, 2))}
	a := s.enter("a", seconds(30, 24, 3))
	s.wait(time.Minute)
	s.enter("b", s.timing)
	s.wait(5 * time.Second)
	a.cut = true
	s.server.edit("cleared", func(r *lock.Record) { r.Holder, r.Duration = "", time.Second })
	s.wait(time.Minute)
	return s.err
}

// scriptForeignMark: while one leads, the record of an earlier release comes back
// by hand, mark and all.
func scriptForeignMark() error {
	s := steps{world: scripted(seconds(15, 10, 2))}
	a := s.enter("a", s.timing)
	s.wait(30 * time.Second)
	a.stop(true)
	s.wait(5 * time.Second)
	released := s.server.state.Record
	b := s.enter("b", s.timing)
	s.wait(5 * time.Second)
	s.enter("c", s.timing)
	s.wait(5 * time.Second)
	b.cut = true
	s.server.edit("put back", func(r *lock.Record) { *r = released })
	s.wait(time.Minute)
	return s.err
}

// scriptSilent: a leader lets go, and no watch tells.
func scriptSilent() error { return scriptBound("watched", "released"+noWatch) }

// scriptLeased: a leader lets go of a lock that a store leases.
func scriptLeased() error { return scriptBound("leased", "released") }

// scriptBound is a bound in one world.
func scriptBound(kind, name string) error {
	for _, c := range bounds {
		if c.name == name {
			_, err := newBounded(kind, 1).measure(c)
			return err
		}
	}
	return errors.New("there is no such bound")
}

// scriptSettled: a leader's renewals come through twice, over a slow network. It knows
// that they succeeded only when it has asked once more, and is cut off then.
func scriptSettled() error {
	for seed := range uint64(100) {
		b := newBounded("polled", seed)
		b.a.twice = true
		for range 3 {
			b.server.slow = time.Second
			b.wait(retry)
			b.server.slow = 0
			for sent := b.a.machine.sentAt; b.a.isLeader() && b.a.machine.sentAt == sent && b.err == nil; {
				b.wait(10 * time.Millisecond)
			}
		}
		b.a.cut = true
		b.wait(2 * lease)
		if b.err != nil {
			return b.err
		}
	}
	return nil
}

// scriptUnnamed: a write comes through twice, and its writer is told that the lock was
// changed. One that does not know itself writes again, when its turn has come.
func scriptUnnamed() error {
	b := newBounded("polled, one write a second", 1)
	b.a.stop(true)
	b.wait(10 * time.Second)
	leader := b.judge.leader()
	leader.twice = true
	b.wait(slow(retry) + 4*simRequest)
	if age := leader.now() - leader.machine.sentAt; age > retry+4*simRequest {
		return errors.Join(b.err, fmt.Errorf("the last renewal was %s ago", age))
	}
	return b.err
}

// scriptRewound: b let go of the lock, led again later, and is cut off, when a
// backup brings the record back by which it had let go.
func scriptRewound() error { return rewind(watched) }

// scriptRestored is that beside a store.
func scriptRestored() error { return rewind(polled) }

func rewind(kind simKind) error {
	s := steps{world: scripted(seconds(15, 10, 2))}
	s.server.furnish(kind)
	b := s.enter("b", s.timing)
	s.wait(30 * time.Second)
	s.enter("a", s.timing)
	s.wait(5 * time.Second)
	b.stepDown()
	for s.server.state.Record.Holder != "" && s.err == nil {
		s.wait(time.Millisecond)
	}
	released := len(s.server.log)
	s.wait(20 * time.Second)
	s.judge.leader().stepDown()
	s.wait(5 * time.Second)
	if s.judge.leader() != b {
		return errors.Join(s.err, errors.New("b does not lead again"))
	}
	b.cut = true
	s.server.restore(len(s.server.log) - released)
	s.wait(time.Minute)
	return s.err
}

// stepDown asks a process itself.
func (n *simNode) stepDown() {
	n.deliver(func(now Instant) { n.machine.stepDown(now) })
}

// scriptDrift: a standby whose clock is a little fast rests for a week, leads and
// dies, and the lock is deleted.
func scriptDrift() error {
	s := steps{world: scripted(seconds(15, 10, 2))}
	a := s.enter("a", s.timing)
	s.wait(30 * time.Second)
	clock := s.newClock()
	clock.rate = 1.0001
	b := s.start("b", "uid-b", clock, s.timing)
	const week = 7 * 24 * time.Hour
	s.wait(week)
	a.stop(true)
	s.wait(5 * time.Second)
	if !b.isLeader() {
		return errors.Join(s.err, errors.New("b does not lead"))
	}
	b.kill()
	s.server.remove()
	s.enter("c", s.timing)
	s.wait(lease + 10*time.Second)
	return s.err
}

// scriptHeir: a leader is asked to hand over to b, and is killed before it hears.
// The next process of its pod takes the lock back, and hands it over.
func scriptHeir() error {
	s := steps{world: scripted(seconds(15, 10, 2))}
	a := s.enter("a", s.timing)
	s.wait(30 * time.Second)
	b := s.enter("b", s.timing)
	s.wait(5 * time.Second)
	a.kill()
	s.server.edit("hand over", func(r *lock.Record) { r.StepDown, r.Preferred = r.Holder, "b" })
	s.start("a", "uid-a", a.clock, s.timing)
	s.wait(time.Second)
	if !b.isLeader() {
		return errors.Join(s.err, errors.New("b does not lead"))
	}
	return s.err
}

// scriptBid: a candidate steps down while it takes the lock.
func scriptBid() error {
	s := steps{world: scripted(seconds(15, 10, 2))}
	a := s.enter("a", s.timing)
	for a.wrote == 0 && s.err == nil {
		s.wait(time.Millisecond)
	}
	a.stepDown()
	s.wait(lease / 2)
	if s.judge.terms > 0 {
		return errors.Join(s.err, errors.New("it leads after it has stepped down"))
	}
	return s.err
}

// scriptLost: a candidate is stopped while the answer to its bid is lost.
func scriptLost() error {
	s := steps{world: scripted(seconds(15, 10, 2))}
	a := s.enter("a", s.timing)
	for s.server.writes == 0 && s.err == nil {
		s.wait(time.Millisecond)
	}
	a.cut, a.stream.silent = true, true // the answer and the event are on their way
	s.wait(a.machine.timing.Attempt() / 2)
	a.stop(true)
	s.wait(a.machine.timing.Attempt() / 2)
	a.cut = false
	s.wait(lease / 3)
	if held := s.server.state.Record.Holder; held != "" || !a.gone {
		return errors.Join(s.err, errors.New("the lock is still held by "+held))
	}
	return s.err
}
