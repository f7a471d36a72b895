package gcs_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/locktest"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/objecttest"
	"github.com/leaseholder-dev/leaseholder/test/clouds/faults"
)

func TestConformance(t *testing.T) {
	locktest.Run(t, func(t *testing.T) locktest.Backend {
		t.Helper()
		c := newCloud(t)
		l, _ := c.lock(t)
		return locktest.Backend{Lock: l, Delete: c.delete}
	})
}

func TestStore(t *testing.T) {
	objecttest.Run(t, func(t *testing.T) objecttest.Backend {
		t.Helper()
		c := newCloud(t)
		store, _ := c.client(t)
		return objecttest.Backend{Store: store, Delete: c.delete}
	})
}

// write makes the lock, lets trouble begin, and writes once.
func write(t *testing.T, trouble func(*http.Request) faults.Fate) (l *object.Lock, p *faults.Proxy, written lock.Snapshot, err error) {
	t.Helper()
	l, p = newCloud(t).lock(t)
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	base, err := l.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.Trouble(trouble)
	written, err = l.Write(t.Context(), base, lock.Record{Holder: "a", Stamp: "a", Token: 7})
	return l, p, written, err
}

// onUpload is the fate of uploads alone.
func onUpload(fate faults.Fate) func(*http.Request) faults.Fate {
	return func(r *http.Request) faults.Fate {
		if r.Method != http.MethodPost {
			return faults.Fate{}
		}
		return fate
	}
}

func TestAWriteThatWasExecutedSucceeds(t *testing.T) {
	for name, fate := range map[string]faults.Fate{
		"and answered":               {},
		"but its answer was lost":    {Lost: true},
		"but came through twice":     {Twice: true},
		"twice, and no answer comes": {Twice: true, Lost: true},
	} {
		t.Run(name, func(t *testing.T) {
			l, _, written, err := write(t, onUpload(fate))
			if err != nil || written.Record.Holder != "a" {
				t.Fatalf("it gives %+v, %v", written, err)
			}
			read, err := l.Read(t.Context())
			if err != nil || read.Version != written.Version || read.Revision != written.Revision {
				t.Errorf("wrote %+v, read %+v, %v", written, read, err)
			}
			if _, err := l.Write(t.Context(), written, lock.Record{Holder: "a", Stamp: "a", Token: 7}); err != nil {
				t.Errorf("the next write: %v", err)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	says := func(err error) (kind error) {
		for _, kind := range []error{lock.ErrConflict, lock.ErrMissing, lock.ErrExists, lock.ErrForbidden} {
			if errors.Is(err, kind) {
				return kind
			}
		}
		return nil
	}
	for name, test := range map[string]struct {
		fate faults.Fate
		kind error
	}{
		"too many requests": {faults.Fate{Status: http.StatusTooManyRequests, RetryAfter: time.Minute}, nil},
		"out of service":    {faults.Fate{Status: http.StatusServiceUnavailable}, nil},
		"an inner error":    {faults.Fate{Status: http.StatusInternalServerError}, nil},
		"not known":         {faults.Fate{Status: http.StatusUnauthorized}, lock.ErrForbidden},
		"forbidden":         {faults.Fate{Status: http.StatusForbidden}, lock.ErrForbidden},
		"cut":               {faults.Fate{Refused: true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			l, p, _, err := write(t, func(*http.Request) faults.Fate { return test.fate })
			if err == nil || !errors.Is(says(err), test.kind) {
				t.Errorf("a write gives %v", err)
			}
			// One to make it.
			if uploads := p.Asked(http.MethodPost) - 1; uploads != 1 {
				t.Errorf("one write was sent %d times", uploads)
			}
			before := p.Asked()
			if _, err := l.Read(t.Context()); err == nil || !errors.Is(says(err), test.kind) {
				t.Errorf("a read gives %v", err)
			}
			if requests := p.Asked() - before; requests != 1 {
				t.Errorf("one read was sent %d times", requests)
			}
		})
	}
}

func TestNobodyWaitsLongerThanAllowed(t *testing.T) {
	l, p := newCloud(t).lock(t)
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Trouble(func(*http.Request) faults.Fate { return faults.Fate{Before: time.Hour} })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := l.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a read gives %v", err)
	}
}

func TestADeadConnectionCostsOneRequest(t *testing.T) {
	l, p := newCloud(t).lock(t)
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := l.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a read in a dead connection gives %v", err)
	}
	if _, err := l.Read(t.Context()); err != nil {
		t.Errorf("the next one gives %v", err)
	}
}

func TestAForeignObjectIsLeftAlone(t *testing.T) {
	c := newCloud(t)
	l, _ := c.lock(t)
	c.CreateObject(fakestorage.Object{
		ObjectAttrs: fakestorage.ObjectAttrs{BucketName: bucket, Name: name}, Content: []byte("orders"),
	})
	if _, err := l.Read(t.Context()); !errors.Is(err, object.ErrForeign) {
		t.Errorf("a read gives %v", err)
	}
	if err := l.Create(t.Context()); !errors.Is(err, lock.ErrExists) {
		t.Errorf("making the lock gives %v", err)
	}
	left, err := c.GetObject(bucket, name)
	if err != nil || string(left.Content) != "orders" {
		t.Errorf("it is now %q, %v", left.Content, err)
	}
}

// TestWhatPeopleSee is about the object itself, as somebody sees it who downloads it.
func TestWhatPeopleSee(t *testing.T) {
	c := newCloud(t)
	l, _ := c.lock(t)
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen, err := c.GetObject(bucket, name)
	if err != nil {
		t.Fatal(err)
	}
	if seen.CacheControl != "no-store" || seen.ContentType != object.ContentType {
		t.Errorf("it is %q, to be cached %q", seen.ContentType, seen.CacheControl)
	}
	if body := seen.Metadata[object.MetadataKey] + "\n"; string(seen.Content) != body {
		t.Errorf("its body is %q, want %q", seen.Content, body)
	}
}
