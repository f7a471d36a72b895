package electiontest

import (
	"fmt"
	"time"
)

// judge holds the fleet against what package election promises.
func (f *Fleet) judge() {
	leaders := 0
	for _, m := range f.alive {
		s, _ := m.Status()
		if s.IsLeader {
			leaders++
		}
		if s.IsLeader && !m.leading {
			f.terms++
			if s.Token <= f.token {
				f.Fatalf("token %d follows %d", s.Token, f.token)
			}
			f.token, m.token = s.Token, s.Token
		}
		if s.IsLeader && s.Token < m.token {
			f.Fatalf("the token fell from %d to %d within a term", m.token, s.Token)
		}
		m.leading = s.IsLeader
	}
	if leaders > 1 {
		f.Fatalf("%d leaders", leaders)
	}
}

// settle waits for a leader, when nothing goes wrong any more.
func (f *Fleet) settle(within time.Duration) {
	f.heal()
	for _, m := range f.alive {
		m.line.Calm()
	}
	const step = 100 * time.Millisecond
	for range within / step {
		time.Sleep(step)
		f.now += step
		f.judge()
	}
	for _, m := range f.alive {
		if s, _ := m.Status(); s.IsLeader {
			return
		}
	}
	f.Fatalf("nobody leads in the end")
}

// Fatalf ends the test with all that explains it. The seed repeats it.
func (f *Fleet) Fatalf(format string, args ...any) {
	f.t.Helper()
	const last = 20
	for _, lines := range [][]string{f.done, f.backend.History()} {
		for _, line := range lines[max(0, len(lines)-last):] {
			f.t.Log(line)
		}
	}
	for _, m := range f.alive {
		status, _ := m.Status()
		f.t.Logf("p%d: %+v", m.pod, status)
	}
	f.t.Fatalf("seed %d at %s: %s", f.Seed, f.now, fmt.Sprintf(format, args...))
}
