package object_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
)

func TestAnEntryReadsAsItWasWritten(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)
	for name, record := range map[string]lock.Record{
		"empty": {},
		"held":  {Holder: "a_1_x", Stamp: "a_1_x", Duration: 15 * time.Second, Acquired: at, Renewed: at.Add(time.Second), Transitions: 3, Token: 1767323045000},
		"released": {
			Mark: lock.ReleaseMark("a_1_x", at), Duration: time.Second, Renewed: at, Token: 7,
		},
		"asked, and named by hand": {Holder: "größe <&> \u2028\x7f\"\U0001F512", StepDown: "a_1_x", Preferred: "b"},
	} {
		t.Run(name, func(t *testing.T) {
			e := object.Entry{UID: "u", Count: 4, WriteID: "w", Record: record}
			value := e.Value()
			got, err := object.Decode(value)
			if err != nil || got != e {
				t.Errorf("%s reads as %+v, %v", value, got, err)
			}
			for _, r := range value {
				if r < ' ' || r > '~' {
					t.Errorf("%q is in %s", r, value)
				}
			}
			if string(e.Body()) != value+"\n" {
				t.Errorf("the body is %s", e.Body())
			}
		})
	}
}

func TestTheLongestEntryFitsEveryStore(t *testing.T) {
	// A pod's name has at most 253 characters; Amazon's limit is the smallest: 2 KB for
	// names and values of metadata.
	holder := lock.Identity{Pod: strings.Repeat("p", 253), UID: strings.Repeat("u", 36), Start: "mfx1p2q3r4s5t"}.String()
	at := time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)
	e := object.Entry{UID: strings.Repeat("U", 26), Count: 1 << 40, WriteID: strings.Repeat("W", 26) + "-1000000000", Record: lock.Record{
		Holder: holder, Stamp: holder, StepDown: holder, Preferred: strings.Repeat("p", 253), Duration: time.Hour,
		Acquired: at, Renewed: at, Transitions: 1 << 30, Token: 1 << 42,
	}}
	const limit = 2048
	if size := len(object.MetadataKey) + len(e.Value()); size > limit {
		t.Errorf("it takes %d bytes, of %d", size, limit)
	}
}

func TestWhatIsNoEntry(t *testing.T) {
	for name, value := range map[string]string{
		"nothing":              "",
		"no JSON":              "orders",
		"another program's":    `{"holderIdentity":"a"}`,
		"no count":             `{"uid":"u"}`,
		"a count out of range": `{"uid":"u","count":9223372036854775807}`,
		"a wrong type":         `{"uid":"u","count":"1"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if e, err := object.Decode(value); !errors.Is(err, object.ErrForeign) {
				t.Errorf("it reads as %+v, %v", e, err)
			}
		})
	}
}

func TestASenselessTokenIsNone(t *testing.T) {
	for _, token := range []string{"-1", "9223372036854775807"} {
		e, err := object.Decode(`{"uid":"u","count":1,"token":` + token + `}`)
		if err != nil || e.Record.Token != 0 {
			t.Errorf("%s reads as %+v, %v", token, e, err)
		}
	}
}
