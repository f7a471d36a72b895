package contender

import (
	"context"
	"testing"
	"time"
)

func TestQueueLosesNothing(t *testing.T) {
	q := newQueue()
	go q.run(t.Context())
	const many = 1000
	for i := range many {
		q.put(Change{At: time.Duration(i)})
	}
	q.close()
	next := time.Duration(0)
	for c := range q.out {
		if c.At != next {
			t.Fatalf("got %s, want %s", c.At, next)
		}
		next++
	}
	if next != many {
		t.Errorf("got %d changes, want %d", next, many)
	}
}

func TestQueueEndsWithItsContextThoughNobodyReads(t *testing.T) {
	q := newQueue()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		q.run(ctx)
	}()
	for range 100 {
		q.put(Change{})
	}
	cancel()
	<-done
	for range q.out { // what had been passed on already
	}
}

func TestLinesPassesOnWholeLines(t *testing.T) {
	var got []string
	l := &lines{line: func(line []byte) { got = append(got, string(line)) }}
	for _, part := range []string{"a", "b\nc\n", "\nd", "\n", "no end"} {
		if n, err := l.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("writing %q gives %d, %v", part, n, err)
		}
	}
	want := []string{"ab", "c", "", "d"}
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d is %q, want %q", i, got[i], want[i])
		}
	}
}
