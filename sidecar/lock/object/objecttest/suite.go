package objecttest

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
)

// Backend is a store under test, with what another writer can do to its object.
type Backend struct {
	// Store's object is missing when the test begins.
	Store object.Store
	// Delete deletes the object behind its back.
	Delete func(ctx context.Context) error
}

// patience bounds how long a test waits for what must come; nothing is judged by how
// long it takes.
const patience = 30 * time.Second

// Run holds a store against what object.Store says: what the suite of package locktest
// does not ask of it, as an object.Lock does a part of that by itself. It calls open for
// each test.
func Run(t *testing.T, open func(t *testing.T) Backend) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, context.Context, Backend){
		"a missing object":                              missing,
		"what is put is what is there":                  put,
		"an object is made once":                        madeOnce,
		"an old revision conflicts":                     old,
		"a deleted object conflicts, and is not made":   deleted,
		"an object made anew conflicts":                 anew,
		"of many writers on one revision one wins":      race,
		"of many makers one wins":                       raceToMake,
		"a revision does not come again":                unique,
		"a request ends with its context, and not sent": ended,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			test(t, ctx, open(t))
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// entry is one with a long identity and what is not ASCII.
func entry(count int64, write string) object.Entry {
	const holder = "größe-7d9f8c6b5-abcde_0f3c8a52-9d1b-4c55-8f6e-2b7a1c9d0e3f_mfx1p2q3"
	at := time.Date(2026, 1, 2, 3, 4, 5, 678000, time.UTC)
	return object.Entry{UID: "u", Count: count, WriteID: write, Record: lock.Record{
		Holder: holder, Stamp: holder, Duration: 15 * time.Second, Acquired: at, Renewed: at.Add(time.Second),
		Transitions: 3, Token: 1767323045000, StepDown: holder, Preferred: `"quoted" <&>`,
	}}
}

// shows checks what is there.
func shows(t *testing.T, ctx context.Context, b Backend, revision string, want object.Entry) {
	t.Helper()
	s, err := b.Store.Stat(ctx)
	must(t, err)
	if !s.Exists || s.Revision != revision || s.Value != want.Value() || s.ServerTime.IsZero() {
		t.Errorf("the object is %+v, want revision %s with %s", s, revision, want.Value())
	}
	got, err := object.Decode(s.Value)
	must(t, err)
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func gone(t *testing.T, ctx context.Context, b Backend) {
	t.Helper()
	s, err := b.Store.Stat(ctx)
	must(t, err)
	if s.Exists || s.ServerTime.IsZero() {
		t.Errorf("a missing object reads as %+v", s)
	}
}

func made(t *testing.T, ctx context.Context, b Backend) (revision string) {
	t.Helper()
	s, err := b.Store.Put(ctx, "", entry(1, "first"))
	must(t, err)
	if s.Revision == "" || s.ServerTime.IsZero() {
		t.Fatalf("making it gives %+v", s)
	}
	return s.Revision
}

func conflicts(t *testing.T, ctx context.Context, b Backend, base string) {
	t.Helper()
	if _, err := b.Store.Put(ctx, base, entry(2, "late")); !errors.Is(err, lock.ErrConflict) {
		t.Errorf("a put on %q gives %v", base, err)
	}
}

func missing(t *testing.T, ctx context.Context, b Backend) { gone(t, ctx, b) }

func put(t *testing.T, ctx context.Context, b Backend) {
	base := made(t, ctx, b)
	shows(t, ctx, b, base, entry(1, "first"))
	s, err := b.Store.Put(ctx, base, entry(2, "second"))
	must(t, err)
	shows(t, ctx, b, s.Revision, entry(2, "second"))
}

func madeOnce(t *testing.T, ctx context.Context, b Backend) {
	base := made(t, ctx, b)
	conflicts(t, ctx, b, "")
	shows(t, ctx, b, base, entry(1, "first"))
}

func old(t *testing.T, ctx context.Context, b Backend) {
	base := made(t, ctx, b)
	s, err := b.Store.Put(ctx, base, entry(2, "second"))
	must(t, err)
	conflicts(t, ctx, b, base)
	shows(t, ctx, b, s.Revision, entry(2, "second"))
}

func deleted(t *testing.T, ctx context.Context, b Backend) {
	base := made(t, ctx, b)
	must(t, b.Delete(ctx))
	conflicts(t, ctx, b, base)
	gone(t, ctx, b)
}

func anew(t *testing.T, ctx context.Context, b Backend) {
	base := made(t, ctx, b)
	must(t, b.Delete(ctx))
	s, err := b.Store.Put(ctx, "", entry(1, "anew"))
	must(t, err)
	conflicts(t, ctx, b, base)
	shows(t, ctx, b, s.Revision, entry(1, "anew"))
}

func race(t *testing.T, ctx context.Context, b Backend) {
	won(t, ctx, b, made(t, ctx, b))
}

func raceToMake(t *testing.T, ctx context.Context, b Backend) { won(t, ctx, b, "") }

func won(t *testing.T, ctx context.Context, b Backend, base string) {
	t.Helper()
	const writers = 16
	results := make(chan error, writers)
	for i := range writers {
		go func() {
			_, err := b.Store.Put(ctx, base, entry(2, strconv.Itoa(i)))
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

func unique(t *testing.T, ctx context.Context, b Backend) {
	base := made(t, ctx, b)
	seen := map[string]bool{base: true}
	const writes = 10
	for i := range int64(writes) {
		s, err := b.Store.Put(ctx, base, entry(2+i, strconv.FormatInt(i, 10)))
		must(t, err)
		if seen[s.Revision] {
			t.Errorf("revision %q comes again", s.Revision)
		}
		seen[s.Revision], base = true, s.Revision
	}
}

func ended(t *testing.T, ctx context.Context, b Backend) {
	over, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := b.Store.Put(over, "", entry(1, "first")); !errors.Is(err, context.Canceled) {
		t.Errorf("a put gives %v", err)
	}
	if _, err := b.Store.Stat(over); !errors.Is(err, context.Canceled) {
		t.Errorf("a stat gives %v", err)
	}
	gone(t, ctx, b)
}
