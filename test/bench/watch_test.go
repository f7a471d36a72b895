package bench

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestChange(t *testing.T) {
	const old, other = "orders-0_uid_1", "orders-1_uid_1"
	tests := map[string]struct {
		versions []sighting
		want     takeover
		changed  bool
	}{
		"nothing yet":                 {[]sighting{{1, old}, {2, old}}, takeover{lastRenewal: 2}, false},
		"a crash":                     {[]sighting{{1, old}, {3, old}, {18, other}, {20, other}}, takeover{lastRenewal: 3}, true},
		"a release":                   {[]sighting{{1, old}, {3, ""}, {4, other}}, takeover{lastRenewal: 1, released: 3}, true},
		"a release that nobody takes": {[]sighting{{1, old}, {3, ""}}, takeover{lastRenewal: 1, released: 3}, false},
		"what the next one does when it is released in turn does not count": {
			[]sighting{{1, old}, {3, ""}, {4, other}, {9, ""}}, takeover{lastRenewal: 1, released: 3}, true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, changed := change(test.versions, old)
			if got != test.want || changed != test.changed {
				t.Errorf("got %+v, %v, want %+v, %v", got, changed, test.want, test.changed)
			}
		})
	}
}

func TestTheWatcherForgetsWhatWasBeforeTheLast(t *testing.T) {
	w := newWatcher()
	if _, ok := w.last("a"); ok {
		t.Error("a lease that was never seen has a version")
	}
	w.add("a", sighting{1, "x"})
	w.add("a", sighting{2, "y"})
	w.add("b", sighting{3, "z"})
	if got, ok := w.last("a"); !ok || got != (sighting{2, "y"}) {
		t.Errorf("the last is %v, %v", got, ok)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWatcher()
		w.add("a", sighting{2, "y"})
		done := make(chan takeover)
		go func() {
			got, err := w.takeover(t.Context(), "a", "y")
			if err != nil {
				t.Error(err)
			}
			done <- got
		}()
		synctest.Wait()
		w.add("a", sighting{4, "x"})
		if got := <-done; got != (takeover{lastRenewal: 2}) {
			t.Errorf("the takeover is %+v", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.takeover(ctx, "b", "y"); err == nil {
			t.Error("a takeover that does not come is no error")
		}
	})
}
