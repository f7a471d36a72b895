package memory_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/locktest"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/memory"
)

func TestConformance(t *testing.T) {
	locktest.Run(t, func(*testing.T) locktest.Backend {
		l := memory.New()
		return locktest.Backend{Lock: l, Delete: func(context.Context) error { l.Delete(); return nil }}
	})
}

func TestConformanceThroughALine(t *testing.T) {
	locktest.Run(t, func(*testing.T) locktest.Backend {
		l := memory.New()
		return locktest.Backend{Lock: memory.NewLine(l), Delete: func(context.Context) error { l.Delete(); return nil }}
	})
}

func TestLine(t *testing.T) {
	refused := errors.New("refused")
	ctx := t.Context()
	l := memory.New()
	line := memory.NewLine(l)
	ask := func(what string, fate memory.Fate, cut bool, want error, executed bool) {
		t.Helper()
		line.Cut(cut)
		line.Trouble(func() memory.Fate { return fate })
		before := len(l.History())
		err := line.Create(ctx)
		if !errors.Is(err, want) || (len(l.History()) > before) != executed {
			t.Errorf("%s: the error is %v, executed: %v", what, err, len(l.History()) > before)
		}
		if executed {
			l.Delete()
		}
	}
	ask("no fault", memory.Fate{}, false, nil, true)
	ask("cut", memory.Fate{}, true, memory.ErrCut, false)
	ask("refused", memory.Fate{Refused: refused}, false, refused, false)
	ask("lost", memory.Fate{Lost: true}, false, memory.ErrLost, true)
	if asked := line.Asked(); asked != 4 {
		t.Errorf("%d requests were counted, of 4", asked)
	}
}

func TestALineExecutesWhatNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memory.New()
		line := memory.NewLine(l)
		line.Trouble(func() memory.Fate { return memory.Fate{Before: time.Minute} })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := line.Create(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
		if len(l.History()) > 0 {
			t.Error("it was executed at once")
		}
		line.Wait()
		if len(l.History()) != 1 {
			t.Error("it was never executed")
		}
	})
}
