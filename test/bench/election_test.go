package bench

import (
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/test/contender"
)

func TestWhoLeads(t *testing.T) {
	a, b := new(candidate), new(candidate)
	type said struct {
		who     *candidate
		at      time.Duration
		leading bool
	}
	tests := map[string]struct {
		said  []said
		want  *candidate
		begun time.Duration
	}{
		"nobody yet":               {nil, nil, 0},
		"one leads":                {[]said{{a, 1, true}}, a, 1},
		"one leads no more":        {[]said{{a, 1, true}, {a, 2, false}}, nil, 0},
		"one follows another":      {[]said{{a, 1, true}, {a, 2, false}, {b, 3, true}}, b, 3},
		"the last word comes late": {[]said{{a, 1, true}, {b, 3, true}, {a, 2, false}}, b, 3},
		"all words come late":      {[]said{{b, 3, true}, {a, 1, true}, {a, 2, false}}, b, 3},
		"the first word comes late, and the last not yet": {[]said{{b, 3, true}, {a, 1, true}}, b, 3},
		"one leads again": {[]said{{a, 1, true}, {a, 2, false}, {a, 4, true}}, a, 4},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e := &election{changed: make(chan struct{}), leading: map[*candidate]time.Duration{}}
			for _, s := range test.said {
				e.note(s.who, contender.Change{At: s.at, Leading: s.leading})
			}
			if got, begun, _ := e.leader(); got != test.want || begun != test.begun {
				t.Errorf("got %p since %d, want %p since %d", got, begun, test.want, test.begun)
			}
		})
	}
}
