package object_test

import (
	"context"
	"log/slog"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/election/electiontest"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/objecttest"
)

func TestMonthly(t *testing.T) {
	if got, want := object.Monthly(2*time.Second, 3), (object.Requests{Writes: 1296000, Reads: 2592000}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestAnElectionAtRestAsksWhatMonthlySays counts what three candidates send in an hour.
func TestAnElectionAtRestAsksWhatMonthlySays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, timing := objecttest.NewServer(), config.DefaultTiming()
		const candidates = 3
		clients := make([]*objecttest.Client, candidates)
		ctx, stop := context.WithCancel(context.Background())
		defer func() { stop(); synctest.Wait() }()
		for i := range clients {
			clients[i] = server.Client()
			clients[i].Trouble(func() objecttest.Fate {
				return objecttest.Fate{Before: 20 * time.Millisecond, After: 20 * time.Millisecond}
			})
			l := object.New(clients[i], object.Options{Period: timing.RetryPeriod, MinWriteInterval: time.Second})
			c := election.New(l, election.Options{
				Identity: lock.Identity{Pod: "p" + strconv.Itoa(i), UID: "u", Start: "1"},
				Timing:   timing, Clock: electiontest.NewClock(1), Logger: slog.New(slog.DiscardHandler),
				Release: func() bool { return false },
			})
			go c.Run(ctx)
		}
		time.Sleep(time.Minute) // until somebody leads
		asked := func() (reads, writes []int) {
			for _, c := range clients {
				r, w := c.Asked()
				reads, writes = append(reads, r), append(writes, w)
			}
			return reads, writes
		}
		readsBefore, writesBefore := asked()
		time.Sleep(time.Hour)
		reads, writes := asked()
		const most = int(time.Hour / (2 * time.Second))
		for i := range clients {
			r, w := reads[i]-readsBefore[i], writes[i]-writesBefore[i]
			t.Logf("p%d: %d reads and %d writes an hour", i, r, w)
			leader := w > 0
			if leader && (r > 0 || w > most) || !leader && (r > most || r < most*9/10) {
				t.Errorf("p%d sends %d reads and %d writes an hour: at most %d of one kind", i, r, w, most)
			}
		}
	})
}
