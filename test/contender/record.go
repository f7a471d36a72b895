package contender

import (
	"slices"
	"sync"
	"time"

	"github.com/leaseholder-dev/leaseholder/test/contender/event"
)

// Term is a time in which a contestant led, by its own word.
type Term struct {
	// Begun is when it began: as read in the process, or for the sidecar as its
	// log tells.
	Begun time.Duration
	// Ended is when it ended. Of the sidecar it is when it said no, by its log, or
	// when the validity ended that it had last told, whichever came first; a kill
	// does not end what an application was told. Of client-go it is when the
	// elector was told to end or OnStoppedLeading was called, or else when the
	// process had ended. A term that goes on ends now, or, with the sidecar, when
	// its validity does.
	Ended time.Duration
	// Stopped is when client-go called OnStoppedLeading, which with
	// ReleaseOnCancel is after the release; 0 where it did not.
	Stopped time.Duration
	// Token is the fencing token, 0 where there is none.
	Token int64
}

// record is what is known of one contestant's leadership.
type record struct {
	tell func(Change)
	// deadline bounds the validity of a term of which nothing was told.
	deadline time.Duration

	mu    sync.Mutex
	leads bool
	token int64
	terms []Term
	// open says that the last term goes on.
	open bool
	// valid is, by token, until when the sidecar has told that it leads.
	valid map[int64]time.Duration
}

// told takes in a status document of a sidecar that arrived at the time at.
func (r *record) told(at time.Duration, leads bool, token int64, valid time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !leads {
		// A no may have been under way when a term began of which only the log has
		// told: it ends the term that a yes before it was of, and no other.
		if r.leads {
			r.endOf(r.token, at)
			r.ceased(at)
		}
		return
	}
	if !r.leads || token != r.token {
		r.ceased(at)
		r.leads, r.token = true, token
		r.tell(Change{At: at, Leading: true, Token: token})
	}
	r.begin(at, token)
	r.valid[token] = max(r.valid[token], valid)
}

// ceased tells that the lead is over. Whatever was told is over with its validity.
func (r *record) ceased(at time.Duration) {
	if !r.leads {
		return
	}
	if valid := r.valid[r.token]; valid != 0 {
		at = min(at, valid)
	}
	r.leads = false
	r.tell(Change{At: at, Token: r.token})
}

// logged takes in that a sidecar says of itself, at the time at, that it leads or
// no longer does.
func (r *record) logged(at time.Duration, leads bool, token int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if leads {
		r.begin(at, token)
	} else {
		r.end(at)
	}
}

// happened takes in an event of client-go's elector.
func (r *record) happened(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e.Kind {
	case event.Leading:
		r.begin(e.At, 0)
		r.leads = true
		r.tell(Change{At: e.At, Leading: true})
	case event.Cancelled:
		r.end(e.At)
	case event.Stopped:
		r.end(e.At)
		if len(r.terms) > 0 {
			r.terms[len(r.terms)-1].Stopped = e.At
		}
		r.ceased(e.At)
	default:
	}
}

// processEnded takes in that the process has ended.
func (r *record) processEnded(at time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open && r.terms[len(r.terms)-1].Token == 0 {
		// What a sidecar has told goes on until its validity ends.
		r.end(at)
	}
	r.ceased(at)
}

// begin notes that a term began, at the earliest time that is told of it. The log
// and the API of a sidecar tell of the same term, in any order; its log does so
// again when the Lease named nobody for a moment.
func (r *record) begin(at time.Duration, token int64) {
	if n := len(r.terms); token != 0 && n > 0 && r.terms[n-1].Token == token {
		r.terms[n-1].Begun = min(r.terms[n-1].Begun, at)
		return
	}
	r.end(at)
	r.terms, r.open = append(r.terms, Term{Begun: at, Token: token}), true
}

// end notes that the term of that time ended, at the earliest time that is told of
// it.
func (r *record) end(at time.Duration) {
	i := len(r.terms) - 1
	for i >= 0 && r.terms[i].Begun > at {
		i--
	}
	r.close(i, at)
}

// endOf notes that the term with a token ended, at the earliest time that is told
// of it.
func (r *record) endOf(token int64, at time.Duration) {
	r.close(slices.IndexFunc(r.terms, func(t Term) bool { return t.Token == token }), at)
}

// close ends the term with a number, where there is one.
func (r *record) close(i int, at time.Duration) {
	switch {
	case i < 0:
	case i == len(r.terms)-1 && r.open:
		r.terms[i].Ended, r.open = at, false
	default:
		r.terms[i].Ended = min(r.terms[i].Ended, at)
	}
}

func (r *record) leading(now time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.leads && (r.token == 0 || now < r.valid[r.token])
}

func (r *record) all(now time.Duration) []Term {
	r.mu.Lock()
	defer r.mu.Unlock()
	terms := append([]Term(nil), r.terms...)
	for i := range terms {
		t := &terms[i]
		open := r.open && i == len(terms)-1
		valid, known := r.valid[t.Token]
		if !known {
			valid = t.Begun + r.deadline
		}
		switch {
		case t.Token == 0 && open:
			t.Ended = now
		case t.Token == 0:
		case open:
			t.Ended = valid
		default:
			t.Ended = min(t.Ended, valid)
		}
	}
	return terms
}
