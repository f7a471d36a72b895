package object

import (
	"context"
	"errors"
	"time"
)

// Store is one object of a store, whether or not it is there. Its methods are safe
// for concurrent use, every request ends with its context at the latest, and nothing
// is repeated by itself: the election repeats, when it has looked again.
//
// The store must be linearizable: an answer is never older than another that came
// before the request was sent.
type Store interface {
	// Stat gives the object as it is now, without its body. A missing object is no
	// error: it is a State with Exists false. Errors: lock.ErrForbidden, or one that
	// says nothing.
	Stat(ctx context.Context) (State, error)
	// Put replaces the object's metadata value and body, in one request, if the object
	// still has the revision base; with base empty it makes the object if there is none.
	// It gives the new Revision and the ServerTime; the rest of the State is the Lock's
	// to fill. Errors: lock.ErrConflict if the object is not (or is no longer) what base
	// says, which may well be this Put's own work; lock.ErrForbidden; or one that says
	// nothing.
	Put(ctx context.Context, base string, entry Entry) (State, error)
}

// State is the object as one answer showed it.
type State struct {
	// Exists is false for a missing object.
	Exists bool
	// Revision is the store's own precondition for this very state (a generation, an
	// ETag): it never comes again.
	Revision string
	// Value is the metadata value MetadataKey, as it is stored; empty when there is none.
	Value string
	// ServerTime is the Date of the answer, zero when it had none.
	ServerTime time.Time
}

var (
	// ErrForeign says that there is an object of this name that is no lock.
	ErrForeign = errors.New("the object is not a lock of Leaseholder")
	// ErrRewound ends a Watch: the object is back at an earlier state. A Read is due.
	ErrRewound = errors.New("the object is back at an earlier state")
)
