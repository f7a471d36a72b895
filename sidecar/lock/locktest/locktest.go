// Package locktest is what every backend must be able to show: one suite that
// holds a lock.Lock against the promises of package lock.
package locktest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// Backend is a lock under test, with what another writer can do to it.
type Backend struct {
	// Lock is missing when the test begins.
	Lock lock.Lock
	// Delete deletes the lock behind its back.
	Delete func(ctx context.Context) error
}

// patience bounds how long a test waits for what must come; nothing is judged
// by how long it takes.
const patience = 30 * time.Second

// promises are what a backend must show, in the order of a record's life.
func promises() []promise {
	return []promise{
		{"a missing lock reads as missing", missing},
		{"a new lock is unheld and unmarked", created},
		{"a lock is made once", createdOnce},
		{"a record reads as it was written", roundTrip},
		{"every write moves the version forward", versions},
		{"a write on an old version conflicts", conflict},
		{"a write on a missing lock creates nothing", writeMissing},
		{"a write on a lock made anew conflicts", writeAnew},
		{"of many writers on one version one wins", race},
		{"a watch tells every change after the read, and deletions", watch},
		{"a watch ends with its context", watchEnds},
	}
}

type promise struct {
	name string
	test func(*testing.T, context.Context, Backend)
}

// Promises are the names of the tests that Run makes of them.
func Promises() []string {
	var names []string
	for _, p := range promises() {
		names = append(names, p.name)
	}
	return names
}

// Run holds a backend against the suite. It calls open for each test.
func Run(t *testing.T, open func(t *testing.T) Backend) {
	t.Helper()
	for _, p := range promises() {
		t.Run(p.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			p.test(t, ctx, open(t))
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func made(t *testing.T, ctx context.Context, b Backend) lock.Snapshot {
	t.Helper()
	must(t, b.Lock.Create(ctx))
	s, err := b.Lock.Read(ctx)
	must(t, err)
	return s
}

func sample(holder string) lock.Record {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return lock.Record{
		Holder: holder, Stamp: holder, Duration: 15 * time.Second,
		Acquired: at, Renewed: at.Add(time.Second), Transitions: 3, Token: 1767323045000,
	}
}

func missing(t *testing.T, ctx context.Context, b Backend) {
	s, err := b.Lock.Read(ctx)
	must(t, err)
	if s.Exists || s.From == "" {
		t.Errorf("a missing lock reads as %+v", s)
	}
}

func created(t *testing.T, ctx context.Context, b Backend) {
	s := made(t, ctx, b)
	if !s.Exists || s.Version == "" || s.UID == "" || s.From == "" || s.ServerTime.IsZero() {
		t.Errorf("a new lock reads as %+v", s)
	}
	if s.Record != (lock.Record{}) {
		t.Errorf("a new lock has the record %+v", s.Record)
	}
}

func createdOnce(t *testing.T, ctx context.Context, b Backend) {
	made(t, ctx, b)
	if err := b.Lock.Create(ctx); !errors.Is(err, lock.ErrExists) {
		t.Errorf("the second creation gives %v", err)
	}
}

func roundTrip(t *testing.T, ctx context.Context, b Backend) {
	base := made(t, ctx, b)
	held := sample("a_1_x")
	released := held
	released.Holder, released.Stamp, released.Duration = "", "", time.Second
	released.Renewed = held.Renewed.Add(time.Second)
	released.Mark = lock.ReleaseMark("a_1_x", released.Renewed)
	asked := held
	asked.StepDown, asked.Preferred = "a_1_x", "b"
	for _, want := range []lock.Record{held, asked, released, held} {
		written, err := b.Lock.Write(ctx, base, want)
		must(t, err)
		read, err := b.Lock.Read(ctx)
		must(t, err)
		same(t, written.Record, want)
		same(t, read.Record, want)
		if read.Version != written.Version || read.UID != base.UID {
			t.Errorf("read version %s of %s, wrote version %s of %s", read.Version, read.UID, written.Version, base.UID)
		}
		base = read
	}
}

func same(t *testing.T, got, want lock.Record) {
	t.Helper()
	got.Acquired, got.Renewed = got.Acquired.UTC(), got.Renewed.UTC()
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.Released() != want.Released() || got.Stamped() != want.Stamped() {
		t.Errorf("a release or a stamp was lost in %+v", got)
	}
}

func versions(t *testing.T, ctx context.Context, b Backend) {
	base := made(t, ctx, b)
	for i := range 12 {
		r := sample("a_1_x")
		r.Renewed = r.Renewed.Add(time.Duration(i) * time.Second)
		next, err := b.Lock.Write(ctx, base, r)
		must(t, err)
		if next.Version.Compare(base.Version) <= 0 {
			t.Fatalf("version %s follows %s", next.Version, base.Version)
		}
		base = next
	}
}

func conflict(t *testing.T, ctx context.Context, b Backend) {
	base := made(t, ctx, b)
	_, err := b.Lock.Write(ctx, base, sample("a_1_x"))
	must(t, err)
	if _, err := b.Lock.Write(ctx, base, sample("b_2_y")); !errors.Is(err, lock.ErrConflict) {
		t.Errorf("a write on an old version gives %v", err)
	}
	s, err := b.Lock.Read(ctx)
	must(t, err)
	same(t, s.Record, sample("a_1_x"))
}

func writeMissing(t *testing.T, ctx context.Context, b Backend) {
	base := made(t, ctx, b)
	must(t, b.Delete(ctx))
	if _, err := b.Lock.Write(ctx, base, sample("a_1_x")); !errors.Is(err, lock.ErrMissing) {
		t.Errorf("a write on a missing lock gives %v", err)
	}
	s, err := b.Lock.Read(ctx)
	must(t, err)
	if s.Exists {
		t.Error("the write made the lock")
	}
}

func writeAnew(t *testing.T, ctx context.Context, b Backend) {
	base := made(t, ctx, b)
	must(t, b.Delete(ctx))
	anew := made(t, ctx, b)
	if anew.UID == base.UID {
		t.Errorf("a lock made anew has the UID %q of the old one", anew.UID)
	}
	if _, err := b.Lock.Write(ctx, base, sample("a_1_x")); !errors.Is(err, lock.ErrConflict) {
		t.Errorf("a write on the old lock gives %v", err)
	}
}

func race(t *testing.T, ctx context.Context, b Backend) {
	base := made(t, ctx, b)
	const writers = 16
	results := make(chan error, writers)
	for i := range writers {
		go func() {
			_, err := b.Lock.Write(ctx, base, sample(string(rune('a'+i))+"_1_x"))
			results <- err
		}()
	}
	won := 0
	for range writers {
		switch err := <-results; {
		case err == nil:
			won++
		case !errors.Is(err, lock.ErrConflict):
			t.Errorf("a lost race gives %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d writers won", won, writers)
	}
}

func watch(t *testing.T, ctx context.Context, b Backend) {
	base := made(t, ctx, b)
	events := make(chan lock.Snapshot)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- b.Lock.Watch(ctx, base.From, func(s lock.Snapshot) {
			select {
			case events <- s:
			case <-ctx.Done():
			}
		})
	}()
	next := func() lock.Snapshot {
		t.Helper()
		select {
		case s := <-events:
			return s
		case err := <-ended:
			t.Fatalf("the watch ended: %v", err)
		case <-ctx.Done():
			t.Fatal("the watch tells nothing")
		}
		return lock.Snapshot{}
	}
	for _, holder := range []string{"a_1_x", "b_2_y"} {
		written, err := b.Lock.Write(ctx, base, sample(holder))
		must(t, err)
		event := next()
		same(t, event.Record, sample(holder))
		if event.Version != written.Version || event.UID != written.UID || !event.Exists {
			t.Errorf("the watch tells %+v of %+v", event, written)
		}
		base = written
	}
	must(t, b.Delete(ctx))
	if event := next(); event.Exists || event.Version.Compare(base.Version) <= 0 {
		t.Errorf("the watch tells %+v of a deletion", event)
	}
}

func watchEnds(t *testing.T, ctx context.Context, b Backend) {
	base := made(t, ctx, b)
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		// Whether an ended stream is an error is the backend's own affair.
		_ = b.Lock.Watch(ctx, base.From, func(lock.Snapshot) {})
	}()
	cancel()
	<-ended
}
