package election

import (
	"errors"
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
func scriptSilent() error {
	for _, c := range bounds {
		if c.name == "released, and no watch tells" {
			_, err := newBounded(1).measure(c)
			return err
		}
	}
	return errors.New("there is no such bound")
}
