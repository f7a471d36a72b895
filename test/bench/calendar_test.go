package bench

import (
	"testing"
	"time"
)

func TestCalendar(t *testing.T) {
	const s = time.Second
	c := newCalendar(s)
	steps := []struct {
		lease string
		end   time.Duration
		want  bool
	}{
		{"a", 10 * s, true},
		{"b", 10*s + s/2, false},
		{"b", 10*s - s/2, false},
		{"b", 11 * s, true},
		// One's own end may move.
		{"a", 10*s - s/10, true},
		{"c", 10 * s, false},
	}
	for _, step := range steps {
		if got := c.reserve(step.lease, step.end); got != step.want {
			t.Errorf("%q may end at %s: %v, want %v", step.lease, step.end, got, step.want)
		}
	}
	busy := map[time.Duration]time.Duration{
		5 * s:         5 * s,
		9 * s:         11*s - s/10,
		10*s + s/2:    12 * s,
		12 * s:        12 * s,
		8*s + s/10*9:  8*s + s/10*9,
		11*s + s/10*9: 12 * s,
	}
	for at, want := range busy {
		if got := c.busyUntil(at); got != want {
			t.Errorf("at %s it is busy until %s, want %s", at, got, want)
		}
	}
	c.done("a")
	c.done("b")
	if !c.reserve("c", 10*s) {
		t.Error("a lease that was taken still keeps others away")
	}
}
