package contender

import (
	"slices"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/test/contender/event"
)

func TestRecord(t *testing.T) {
	const token, next = 7, 8
	tests := map[string]struct {
		happens func(r *record)
		now     time.Duration
		leading bool
		changes []Change
		terms   []Term
	}{
		"a sidecar that leads has what it told": {
			happens: func(r *record) { r.logged(10, true, token); r.told(12, true, token, 30) },
			now:     20, leading: true,
			changes: []Change{{At: 12, Leading: true, Token: token}},
			terms:   []Term{{Begun: 10, Ended: 30, Token: token}},
		},
		"a sidecar that is silent leads no longer than it told": {
			happens: func(r *record) { r.logged(10, true, token); r.told(12, true, token, 30) },
			now:     30, leading: false,
			changes: []Change{{At: 12, Leading: true, Token: token}},
			terms:   []Term{{Begun: 10, Ended: 30, Token: token}},
		},
		"a sidecar's log may come after its API": {
			happens: func(r *record) { r.told(12, true, token, 30); r.logged(10, true, token) },
			now:     20, leading: true,
			changes: []Change{{At: 12, Leading: true, Token: token}},
			terms:   []Term{{Begun: 10, Ended: 30, Token: token}},
		},
		"a renewal is no change": {
			happens: func(r *record) {
				r.logged(10, true, token)
				r.told(12, true, token, 30)
				r.told(20, true, token, 40)
				r.logged(21, true, token)
			},
			now: 25, leading: true,
			changes: []Change{{At: 12, Leading: true, Token: token}},
			terms:   []Term{{Begun: 10, Ended: 40, Token: token}},
		},
		"a sidecar ends at what its log says": {
			happens: func(r *record) {
				r.logged(10, true, token)
				r.told(12, true, token, 30)
				r.told(19, false, token, 0)
				r.logged(18, false, 0)
			},
			now: 25, leading: false,
			changes: []Change{{At: 12, Leading: true, Token: token}, {At: 19, Token: token}},
			terms:   []Term{{Begun: 10, Ended: 18, Token: token}},
		},
		"a sidecar that says no after a pause had run out before": {
			happens: func(r *record) {
				r.logged(10, true, token)
				r.told(12, true, token, 30)
				r.logged(50, false, 0)
				r.told(51, false, token, 0)
			},
			now: 60, leading: false,
			changes: []Change{{At: 12, Leading: true, Token: token}, {At: 30, Token: token}},
			terms:   []Term{{Begun: 10, Ended: 30, Token: token}},
		},
		"a killed sidecar's word stands": {
			happens: func(r *record) { r.logged(10, true, token); r.told(12, true, token, 30); r.processEnded(15) },
			now:     16, leading: false,
			changes: []Change{{At: 12, Leading: true, Token: token}, {At: 15, Token: token}},
			terms:   []Term{{Begun: 10, Ended: 30, Token: token}},
		},
		"a sidecar that was killed before it told": {
			happens: func(r *record) { r.logged(10, true, token); r.processEnded(11) },
			now:     12, leading: false,
			terms: []Term{{Begun: 10, Ended: 110, Token: token}},
		},
		"a sidecar's next term comes before its log of the last": {
			happens: func(r *record) {
				r.logged(10, true, token)
				r.told(12, true, token, 30)
				r.told(22, true, next, 50)
				r.logged(18, false, 0)
				r.logged(20, true, next)
			},
			now: 25, leading: true,
			changes: []Change{{At: 12, Leading: true, Token: token}, {At: 22, Token: token}, {At: 22, Leading: true, Token: next}},
			terms:   []Term{{Begun: 10, Ended: 18, Token: token}, {Begun: 20, Ended: 50, Token: next}},
		},
		"a no that was under way when the term began does not end it": {
			happens: func(r *record) { r.logged(10, true, token); r.told(11, false, 0, 0); r.told(12, true, token, 30) },
			now:     20, leading: true,
			changes: []Change{{At: 12, Leading: true, Token: token}},
			terms:   []Term{{Begun: 10, Ended: 30, Token: token}},
		},
		"a no to the last term does not end the next": {
			happens: func(r *record) {
				r.logged(10, true, token)
				r.told(12, true, token, 30)
				r.logged(18, false, 0)
				r.logged(20, true, next)
				r.told(21, false, token, 0)
				r.told(22, true, next, 50)
			},
			now: 25, leading: true,
			changes: []Change{{At: 12, Leading: true, Token: token}, {At: 21, Token: token}, {At: 22, Leading: true, Token: next}},
			terms:   []Term{{Begun: 10, Ended: 18, Token: token}, {Begun: 20, Ended: 50, Token: next}},
		},
		"client-go that leads does so now": {
			happens: func(r *record) { r.happened(event.Event{Kind: event.Leading, At: 10}) },
			now:     20, leading: true,
			changes: []Change{{At: 10, Leading: true}},
			terms:   []Term{{Begun: 10, Ended: 20}},
		},
		"client-go that is told to end stops later": {
			happens: func(r *record) {
				r.happened(event.Event{Kind: event.Leading, At: 10})
				r.happened(event.Event{Kind: event.Cancelled, At: 15})
				r.happened(event.Event{Kind: event.Stopped, At: 18})
				r.processEnded(19)
			},
			now: 20, leading: false,
			changes: []Change{{At: 10, Leading: true}, {At: 18}},
			terms:   []Term{{Begun: 10, Ended: 15, Stopped: 18}},
		},
		"client-go that loses the lead stands again": {
			happens: func(r *record) {
				r.happened(event.Event{Kind: event.Leading, At: 10})
				r.happened(event.Event{Kind: event.Stopped, At: 18})
				r.happened(event.Event{Kind: event.Leading, At: 30})
			},
			now: 40, leading: true,
			changes: []Change{{At: 10, Leading: true}, {At: 18}, {At: 30, Leading: true}},
			terms:   []Term{{Begun: 10, Ended: 18, Stopped: 18}, {Begun: 30, Ended: 40}},
		},
		"a killed client-go leads until its end": {
			happens: func(r *record) { r.happened(event.Event{Kind: event.Leading, At: 10}); r.processEnded(15) },
			now:     20, leading: false,
			changes: []Change{{At: 10, Leading: true}, {At: 15}},
			terms:   []Term{{Begun: 10, Ended: 15}},
		},
		"client-go on standby that is told to end has not led": {
			happens: func(r *record) { r.happened(event.Event{Kind: event.Cancelled, At: 15}); r.processEnded(16) },
			now:     20, leading: false,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var changes []Change
			r := &record{tell: func(c Change) { changes = append(changes, c) }, valid: map[int64]time.Duration{}, deadline: 100}
			test.happens(r)
			if got := r.leading(test.now); got != test.leading {
				t.Errorf("leading: %t, want %t", got, test.leading)
			}
			if !slices.Equal(changes, test.changes) {
				t.Errorf("got the changes %+v\nwant %+v", changes, test.changes)
			}
			if got := r.all(test.now); !slices.Equal(got, test.terms) {
				t.Errorf("got the terms %+v\nwant %+v", got, test.terms)
			}
		})
	}
}
