package loop

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/util/workqueue"
)

// calls counts how often one key is worked on in so much virtual time, if the
// work always ends like this.
func calls(t *testing.T, during, again time.Duration, err error) (n int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &Loop[string]{
			Name:   "test",
			Work:   func(context.Context, string) (time.Duration, error) { n++; return again, err },
			Logger: slog.New(slog.DiscardHandler),
		}
		queue := workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[string](firstRetry, lastRetry))
		queue.Add("key")
		ctx, stop := context.WithTimeout(t.Context(), during)
		defer stop()
		context.AfterFunc(ctx, queue.ShutDown)
		for l.work(ctx, queue) {
		}
	})
	return n
}

func TestWork(t *testing.T) {
	tests := map[string]struct {
		again time.Duration
		err   error
		calls int
	}{
		"what is in order is left alone":             {0, nil, 1},
		"what is due again is worked on again":       {10 * time.Second, nil, 6},
		"a failure is tried again less and less":     {0, errors.New("no"), 12},
		"so is what the cache has not seen yet":      {0, ErrBehind, 12},
		"a failure is not tried at its due time too": {time.Millisecond, errors.New("no"), 12},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			// Nothing is due at the very end.
			if got := calls(t, time.Minute-time.Second/2, test.again, test.err); got != test.calls {
				t.Errorf("it was worked on %d times in a minute, want %d", got, test.calls)
			}
		})
	}
}
