package contender

import (
	"testing"
	"time"
)

func TestBootOfLiesBetweenReadings(t *testing.T) {
	before := boot()
	wall := time.Now()
	after := boot()
	// Clocks are adjusted while they run: a thousandth is far beyond that.
	slack := (after-before)/2 + time.Millisecond
	if at := BootOf(wall); at < before-slack || at > after+slack {
		t.Errorf("got %s, want it between %s and %s", at, before, after)
	}
	if earlier := BootOf(wall) - BootOf(wall.Add(-time.Hour)); earlier < time.Hour-slack || earlier > time.Hour+slack {
		t.Errorf("an hour takes %s", earlier)
	}
}
