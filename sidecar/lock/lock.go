// Package lock says what a lock is: one small versioned record, read by quorum,
// written by compare-and-swap and watched. Elections are held over this
// interface alone; each backend is a folder below, and passes the suite of
// package locktest.
//
// The record carries the fencing token. Candidates choose it, and let it grow with
// every term by the same compare-and-swap; a backend keeps it as it is, as long as
// the object lives. Server times in answers let it grow beyond that.
//
// A backend promises that a Write that answers without an error was executed
// on exactly the version and object that it named, and that nothing was written
// in between. It promises nothing about a Write that answers with an error:
// that may have been executed, or be executed later.
package lock

import (
	"context"
	"errors"
	"strings"
	"time"
)

var (
	// ErrConflict says that the lock's version or object is no longer the one named.
	ErrConflict = errors.New("the lock was changed by another writer")
	// ErrMissing says that there is no such lock.
	ErrMissing = errors.New("the lock is missing")
	// ErrExists says that there is such a lock already.
	ErrExists = errors.New("the lock exists")
	// ErrForbidden says that the candidate has not (yet) the right to do this.
	ErrForbidden = errors.New("the lock's server refuses the right")
)

// Lock is one lock. Its methods are safe for concurrent use, and every request
// ends with its context at the latest.
type Lock interface {
	// Read gives the lock as a quorum has it now. A missing lock is no error:
	// it is a Snapshot with Exists false and the version of the answer. Errors:
	// ErrForbidden, or one that says nothing.
	Read(ctx context.Context) (Snapshot, error)
	// Create makes the lock, unheld and unmarked. Making it gives no right to
	// it. Errors: ErrExists, ErrForbidden, or one that says nothing.
	Create(ctx context.Context) error
	// Write replaces the record if the lock is still base, by version and UID,
	// and keeps whatever else the object carries. Errors: ErrConflict,
	// ErrMissing, ErrForbidden, or one that says nothing.
	Write(ctx context.Context, base Snapshot, record Record) (Snapshot, error)
	// Watch calls observe, one call at a time, for every change after the
	// version that a Read gave as From; where the server can only be asked, changes
	// that follow each other between two questions are one. It returns when the stream ends, for
	// whatever reason, with or without an error: the version may be too old to go
	// on from (410 Gone), and then a Read is due. A stream can also fall silent
	// without ending, which is for the caller to notice. Events come in order, and
	// may come late.
	Watch(ctx context.Context, from Version, observe func(Snapshot)) error
}

// Snapshot is the lock as one answer or event showed it.
type Snapshot struct {
	// Exists is false for a missing or deleted lock.
	Exists bool
	// Version orders what is known of the lock; of a missing lock it is the
	// version of the answer or of the deletion.
	Version Version
	// Revision is what the backend itself knows this very state by (a generation, an
	// ETag), for the Write that names it as base; empty where Version is enough.
	Revision string
	// UID tells a lock from one of the same name made after its deletion.
	UID string
	// Record is what the lock says.
	Record Record
	// From is the version from which a Watch misses nothing; set by Read alone.
	From Version
	// ServerTime is the lock's server's clock as its answer gave it, zero when
	// it gave none. It serves tokens alone; no decision rests on it.
	ServerTime time.Time
}

// Record is what a lock says.
type Record struct {
	// Holder is the identity of the holder, empty when unheld.
	Holder string
	// Stamp equals Holder if one of our candidates wrote Holder. A hand edit and
	// a foreign elector change Holder alone.
	Stamp string
	// Mark is ReleaseMark of the holder that let go, if one of ours did.
	Mark string
	// Duration is how long a silent holder is to be respected.
	Duration time.Duration
	// Acquired and Renewed are wall-clock times for people to read.
	Acquired, Renewed time.Time
	// Transitions counts the changes of holder, as client-go does. It is no
	// fencing token: it stays when a holder wins twice.
	Transitions int32
	// Token is the fencing token of the term: it grows with every term.
	Token int64
	// StepDown is the identity of the holder who is asked to hand over, empty
	// when none is. It is a request of an administrator or a controller; a new
	// term and a release clear it.
	StepDown string
	// Preferred is the pod, by name, that the others let go first when the lock
	// can be taken, empty when there is none. It is a request like StepDown; a
	// new term clears it.
	Preferred string
	// Reports is the address of the lock of which this record is a copy for others to
	// see, and empty in a lock. Only a Lease can be a report.
	Reports string
}

// Stamped says whether the holder was written by one of our candidates.
func (r Record) Stamped() bool { return r.Holder != "" && r.Stamp == r.Holder }

// ReleasedBy is who let go of the lock by itself, if it was one of ours, and
// empty otherwise: the mark names the very renewal that the record bears, so
// neither a record cleared by hand nor one that was held again later bears it.
func (r Record) ReleasedBy() string {
	identity, _, marked := strings.Cut(r.Mark, " ")
	if r.Holder != "" || !marked || r.Mark != ReleaseMark(identity, r.Renewed) {
		return ""
	}
	return identity
}

// Released says whether one of ours let go of the lock by itself.
func (r Record) Released() bool { return r.ReleasedBy() != "" }
