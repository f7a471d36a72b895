// Package event is what the elector of test/cmd/elector says on its standard
// output, a line of JSON for each event. It is a package of its own, so that the
// elector is no larger than a typical application of client-go.
package event

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Kind says what happened.
type Kind string

const (
	// Standing is told when the elector begins to stand.
	Standing Kind = "standing"
	// Leading is told by OnStartedLeading.
	Leading Kind = "leading"
	// Cancelled is told when the elector was told to end, before it cancels the
	// context that LeaderElector.Run was given. client-go wants the guarded work to
	// have ended by then.
	Cancelled Kind = "cancelled"
	// Stopped is told by OnStoppedLeading, if Leading was.
	Stopped Kind = "stopped"
)

// Event is one thing that happened to an elector.
type Event struct {
	Kind Kind `json:"event"`
	// At is when, by CLOCK_BOOTTIME, in nanoseconds.
	At time.Duration `json:"at"`
}

// Write writes the event as one line, in one call.
func (e Event) Write(w io.Writer) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode the event %q: %w", e.Kind, err)
	}
	if _, err := w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write the event %q: %w", e.Kind, err)
	}
	return nil
}

// Parse reads one line.
func Parse(line []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(line, &e); err != nil {
		return Event{}, fmt.Errorf("read the event %q: %w", line, err)
	}
	return e, nil
}
