package object_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/locktest"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/objecttest"
)

const period = 2 * time.Second

func TestConformance(t *testing.T) {
	locktest.Run(t, func(*testing.T) locktest.Backend {
		server := objecttest.NewServer()
		return locktest.Backend{
			Lock:   object.New(server.Client(), object.Options{Name: "memory", Period: 10 * time.Millisecond}),
			Delete: func(context.Context) error { server.Delete(); return nil },
		}
	})
}

// bed is a lock that has been made, in virtual time.
type bed struct {
	*testing.T
	server *objecttest.Server
	client *objecttest.Client
	lock   *object.Lock
	base   lock.Snapshot
}

func inBed(t *testing.T, test func(b bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := bed{T: t, server: objecttest.NewServer()}
		b.client = b.server.Client()
		b.lock = object.New(b.client, object.Options{Name: "memory", Period: period, MinWriteInterval: time.Second})
		if err := b.lock.Create(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.base = b.read()
		test(b)
		b.client.Wait()
	})
}

func (b bed) read() lock.Snapshot {
	b.Helper()
	s, err := b.lock.Read(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func held(by string) lock.Record { return lock.Record{Holder: by, Stamp: by, Token: 7} }

func (b bed) write(base lock.Snapshot) lock.Snapshot {
	b.Helper()
	s, err := b.lock.Write(b.Context(), base, held("a"))
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func (b bed) fate(f objecttest.Fate) { b.client.Trouble(func() objecttest.Fate { return f }) }

// first is the fate of the next request alone.
func (b bed) first(f objecttest.Fate) {
	met := false
	b.client.Trouble(func() objecttest.Fate {
		if met {
			return objecttest.Fate{}
		}
		met = true
		return f
	})
}

// watch begins one, and gives what it tells and how it ends.
func (b bed) watch(ctx context.Context, from lock.Version) (told chan lock.Snapshot, ended chan error) {
	const room = 100
	told, ended = make(chan lock.Snapshot, room), make(chan error, 1)
	go func() { ended <- b.lock.Watch(ctx, from, func(s lock.Snapshot) { told <- s }) }()
	return told, ended
}

// next is what comes within an hour, in virtual time.
func next[T any](b bed, from <-chan T) T {
	b.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(time.Hour):
		b.Fatal("nothing comes")
		panic("unreachable")
	}
}

func TestAWriteIsKnownByItsID(t *testing.T) {
	for name, fate := range map[string]objecttest.Fate{
		"answered":                {},
		"the answer is lost":      {Lost: errLost},
		"it comes through twice":  {Twice: true},
		"twice, and it is lost":   {Twice: true, Lost: errLost},
		"throttled after the act": {Lost: errThrottled},
	} {
		t.Run(name, func(t *testing.T) {
			inBed(t, func(b bed) {
				b.first(fate)
				written := b.write(b.base)
				if read := b.read(); read.Version != written.Version || read.Revision != written.Revision || read.Record != written.Record {
					b.Errorf("wrote %+v, read %+v", written, read)
				}
				if written.Version.Compare(b.base.Version) <= 0 || written.ServerTime.IsZero() {
					b.Errorf("on %+v it wrote %+v", b.base, written)
				}
			})
		})
	}
}

func TestAWriteThatWasNotExecutedFails(t *testing.T) {
	inBed(t, func(b bed) {
		before := len(b.server.History())
		b.first(objecttest.Fate{Refused: errAway})
		if _, err := b.lock.Write(b.Context(), b.base, held("a")); !errors.Is(err, errAway) {
			b.Errorf("it gives %v", err)
		}
		b.fate(objecttest.Fate{Refused: lock.ErrForbidden})
		asked, _ := b.client.Asked()
		if _, err := b.lock.Write(b.Context(), b.base, held("a")); !errors.Is(err, lock.ErrForbidden) {
			b.Errorf("it gives %v", err)
		}
		if now, _ := b.client.Asked(); now != asked {
			b.Error("what is forbidden is looked for")
		}
		if len(b.server.History()) != before {
			b.Error("something was written")
		}
	})
}

func TestTwoWritesLieASecondApart(t *testing.T) {
	inBed(t, func(b bed) {
		base, last := b.base, time.Now() // it was made just now
		for range 3 {
			base = b.write(base)
			if now := time.Now(); now.Sub(last) < time.Second {
				b.Errorf("a write follows after %s", now.Sub(last))
			}
			last = time.Now()
		}
		// One whose answer was lost counts too, when it is seen: from when it was sent.
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(b.Context(), 100*time.Millisecond)
		defer cancel()
		b.first(objecttest.Fate{After: time.Second})
		if _, err := b.lock.Write(ctx, base, held("a")); !errors.Is(err, context.DeadlineExceeded) {
			b.Fatalf("it gives %v", err)
		}
		base, last = b.read(), time.Now()
		b.write(base)
		if after := time.Since(last); after != time.Second-100*time.Millisecond {
			b.Errorf("the next one follows after %s", after)
		}
	})
}

func TestAWriteWhoseTurnDoesNotComeIsNeverSent(t *testing.T) {
	inBed(t, func(b bed) {
		_, before := b.client.Asked()
		ctx, cancel := context.WithTimeout(b.Context(), time.Second/2)
		defer cancel()
		if _, err := b.lock.Write(ctx, b.base, held("a")); !errors.Is(err, context.DeadlineExceeded) {
			b.Errorf("it gives %v", err)
		}
		time.Sleep(time.Minute)
		if _, now := b.client.Asked(); now != before {
			b.Error("it was sent")
		}
	})
}

func TestAnAnswerFromBeforeAWriteIsNoNews(t *testing.T) {
	inBed(t, func(b bed) {
		ctx, stop := context.WithCancel(b.Context())
		told, ended := b.watch(ctx, b.base.From)
		// The watch asks, and the answer is long on its way.
		b.first(objecttest.Fate{After: period - time.Millisecond})
		time.Sleep(period + time.Millisecond)
		written := b.write(b.base)
		time.Sleep(10 * period)
		if read := b.read(); read.Version != written.Version {
			b.Errorf("wrote %s, read %s", written.Version, read.Version)
		}
		if s := next(b, told); s.Version != written.Version || len(told) > 0 {
			b.Errorf("wrote %s, told are %s and %d more", written.Version, s.Version, len(told))
		}
		stop()
		if err := next(b, ended); err != nil {
			b.Errorf("the watch ends with %v", err)
		}
	})
}

func TestARestoredObjectIsARewoundHistory(t *testing.T) {
	for name, restore := range map[string]func(b bed){
		"an earlier state": func(b bed) { b.server.Put(b.server.History()[0].Value) },
		"one of an earlier incarnation": func(b bed) {
			earlier := object.Entry{UID: "earlier", Count: 9, Record: held("b")}
			b.server.Put(earlier.Value())
		},
		"edited by hand": func(b bed) {
			e, err := object.Decode(b.server.History()[2].Value)
			if err != nil {
				b.Fatal(err)
			}
			e.Record.Holder = ""
			b.server.Put(e.Value())
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBed(t, func(b bed) {
				known := b.write(b.write(b.base))
				told, ended := b.watch(b.Context(), known.Version)
				restore(b)
				if err := next(b, ended); !errors.Is(err, object.ErrRewound) || len(told) > 0 {
					b.Errorf("the watch tells %d changes and ends with %v", len(told), err)
				}
				read := b.read()
				if read.Version.Compare(known.Version) >= 0 {
					b.Errorf("version %s is not before %s", read.Version, known.Version)
				}
				if again := b.read(); again.Version != read.Version {
					b.Errorf("version %s becomes %s", read.Version, again.Version)
				}
				_, puts := b.client.Asked()
				if _, err := b.lock.Write(b.Context(), known, held("a")); !errors.Is(err, lock.ErrConflict) {
					b.Errorf("a write on what was before gives %v", err)
				}
				if _, now := b.client.Asked(); now != puts {
					b.Error("it was sent")
				}
				if next := b.write(read); next.Version.Compare(read.Version) <= 0 {
					b.Errorf("version %s follows %s", next.Version, read.Version)
				}
			})
		})
	}
}

func TestALockMadeAnewIsALaterOne(t *testing.T) {
	inBed(t, func(b bed) {
		known := b.write(b.base)
		told, _ := b.watch(b.Context(), known.Version)
		b.server.Delete()
		if s := next(b, told); s.Exists || s.Version.Compare(known.Version) <= 0 {
			b.Errorf("of the deletion it tells %+v", s)
		}
		other := object.New(b.server.Client(), object.Options{})
		if err := other.Create(b.Context()); err != nil {
			b.Fatal(err)
		}
		anew := next(b, told)
		if !anew.Exists || anew.UID == known.UID || anew.Version.Compare(known.Version) <= 0 {
			b.Errorf("of the new one it tells %+v", anew)
		}
		if next := b.write(anew); next.UID != anew.UID {
			b.Errorf("the next write gives %+v", next)
		}
	})
}

func TestAForeignObjectIsLeftAlone(t *testing.T) {
	for name, value := range map[string]string{"without the value": "", "with another": "orders"} {
		t.Run(name, func(t *testing.T) {
			inBed(t, func(b bed) {
				_, ended := b.watch(b.Context(), b.base.From)
				b.server.Put(value)
				before := len(b.server.History())
				if _, err := b.lock.Read(b.Context()); !errors.Is(err, object.ErrForeign) {
					b.Errorf("a read gives %v", err)
				}
				if err := next(b, ended); !errors.Is(err, object.ErrForeign) {
					b.Errorf("a watch ends with %v", err)
				}
				if err := b.lock.Create(b.Context()); !errors.Is(err, lock.ErrExists) {
					b.Errorf("making the lock gives %v", err)
				}
				if _, err := b.lock.Write(b.Context(), b.base, held("a")); !errors.Is(err, lock.ErrConflict) {
					b.Errorf("a write gives %v", err)
				}
				if len(b.server.History()) != before {
					b.Error("it was overwritten")
				}
			})
		})
	}
}

func TestAWatchEndsAtAQuestionWithoutAnswer(t *testing.T) {
	inBed(t, func(b bed) {
		b.fate(objecttest.Fate{Before: time.Hour})
		_, ended := b.watch(b.Context(), b.base.From)
		if err := next(b, ended); !errors.Is(err, context.DeadlineExceeded) {
			b.Errorf("it ends with %v", err)
		}
	})
}
