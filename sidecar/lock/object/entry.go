package object

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// MetadataKey names the one metadata value that holds the lock.
const MetadataKey = "leaseholder"

// ContentType is what the body is.
const ContentType = "application/json"

// Entry is what the object carries: the record, and what orders it.
type Entry struct {
	// UID is drawn when the object is made, and kept by every write.
	UID string
	// Count is 1 when the object is made, and grows by one with every write.
	Count int64
	// WriteID is another for every write: by it a writer whose answer was lost
	// recognises its own work.
	WriteID string
	// Record is what the lock says.
	Record lock.Record
}

// Bounds of what is believed: far beyond any clock, and any number of writes.
const (
	maxToken = math.MaxInt64 / 2
	maxCount = math.MaxInt64 / 2
)

// wire is an Entry as JSON. The record's names are those of client-go's where it has
// them.
type wire struct {
	UID                  string    `json:"uid"`
	Count                int64     `json:"count"`
	WriteID              string    `json:"write"`
	HolderIdentity       string    `json:"holderIdentity"`
	Stamp                string    `json:"stamp,omitempty"`
	Mark                 string    `json:"released,omitempty"`
	LeaseDurationSeconds int64     `json:"leaseDurationSeconds,omitempty"`
	AcquireTime          time.Time `json:"acquireTime,omitzero"`
	RenewTime            time.Time `json:"renewTime,omitzero"`
	LeaderTransitions    int32     `json:"leaderTransitions,omitempty"`
	Token                int64     `json:"token,omitempty"`
	StepDown             string    `json:"stepDown,omitempty"`
	Preferred            string    `json:"preferred,omitempty"`
}

// Value is the entry as a metadata value: JSON in one line, of printable ASCII alone,
// so that every store and every HTTP header takes it as it is.
func (e Entry) Value() string {
	r := e.Record
	line, err := json.Marshal(wire{
		UID: e.UID, Count: e.Count, WriteID: e.WriteID,
		HolderIdentity: r.Holder, Stamp: r.Stamp, Mark: r.Mark,
		LeaseDurationSeconds: int64(r.Duration / time.Second),
		AcquireTime:          r.Acquired.UTC(), RenewTime: r.Renewed.UTC(),
		LeaderTransitions: r.Transitions, Token: r.Token,
		StepDown: r.StepDown, Preferred: r.Preferred,
	})
	if err != nil {
		return "" // a year that RFC 3339 cannot write: what reads it back refuses it
	}
	return ascii(string(line))
}

// Body is the entry for people: the same JSON. As it holds the WriteID, no two bodies
// are alike.
func (e Entry) Body() []byte { return []byte(e.Value() + "\n") }

// Decode reads a metadata value. A token that a hand edit made senseless counts as
// none: candidates go on from the largest that they have seen, and from the server's
// clock.
func Decode(value string) (Entry, error) {
	var w wire
	if value == "" {
		return Entry{}, fmt.Errorf("it has no metadata value %q: %w", MetadataKey, ErrForeign)
	}
	err := json.Unmarshal([]byte(value), &w)
	if err == nil && (w.UID == "" || w.Count < 1 || w.Count > maxCount) {
		err = errors.New("uid or count is missing or out of bounds")
	}
	if err != nil {
		return Entry{}, fmt.Errorf("its metadata value %q=%q cannot be read: %w: %w", MetadataKey, value, err, ErrForeign)
	}
	if w.Token < 0 || w.Token > maxToken {
		w.Token = 0
	}
	return Entry{UID: w.UID, Count: w.Count, WriteID: w.WriteID, Record: lock.Record{
		Holder: w.HolderIdentity, Stamp: w.Stamp, Mark: w.Mark,
		Duration: time.Duration(w.LeaseDurationSeconds) * time.Second,
		Acquired: w.AcquireTime, Renewed: w.RenewTime,
		Transitions: w.LeaderTransitions, Token: w.Token,
		StepDown: w.StepDown, Preferred: w.Preferred,
	}}, nil
}

// ascii writes what is not printable ASCII as JSON escapes.
func ascii(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r >= ' ' && r < 0x7f {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}
