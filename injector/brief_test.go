package injector

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestBrief(t *testing.T) {
	faults := func(n int, value string) []Fault {
		var all []Fault
		for i := range n {
			all = append(all, Fault{Reason: InvalidValue, Key: fmt.Sprintf("key-%d", i), Value: value, Allowed: fmt.Sprintf("allowed-%d", i)})
		}
		return all
	}
	invalid := func(key, allowed string) Fault { return Fault{Reason: InvalidValue, Key: key, Allowed: allowed} }
	const first = `leaseholder refuses this pod: key-0="x": allowed: allowed-0`
	const second = first + `; key-1="x": allowed: allowed-1`
	for name, c := range map[string]struct {
		faults []Fault
		most   int
		want   string
	}{
		"what fits is told as it is":           {faults(2, "x"), len(second), second},
		"one too many is counted":              {faults(3, "x"), len(second) + len("; and 1 more fault"), second + "; and 1 more fault"},
		"it is cut at a fault's end":           {faults(9, "x"), len(second) + len("; and 7 more faults") - 1, first + "; and 8 more faults"},
		"a single fault is cut in the middle":  {faults(1, "x"), 40, `leaseholder refuses this pod: key-0="…`},
		"the first of many is cut too":         {faults(3, "x"), 50, `leaseholder refuses this pod…; and 2 more faults`},
		"a character is never cut":             {faults(1, "ß"), 41, `leaseholder refuses this pod: key-0="…`},
		"there is nothing to say in no bytes":  {faults(1, "x"), 0, ""},
		"faults that share a sentence keep it": {[]Fault{invalid("a", "c"), invalid("b", "c"), invalid("d", "a very long sentence")}, 76, `leaseholder refuses this pod: a="", b="": allowed: c; and 1 more fault`},
	} {
		t.Run(name, func(t *testing.T) {
			got := refuse(c.faults).Brief(c.most)
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if len(got) > c.most || !utf8.ValidString(got) {
				t.Errorf("%d bytes, valid: %v", len(got), utf8.ValidString(got))
			}
		})
	}
	most := refuse(faults(20_000, "x"))
	if len(most.Faults) != 20_000 || !strings.HasSuffix(most.Message, "; and 19900 more faults") {
		t.Errorf("of too many faults it tells %d bytes, which end with %s", len(most.Message), most.Message[max(0, len(most.Message)-40):])
	}
	if brief := most.Brief(1024); len(brief) > 1024 || len(brief) < 900 || !strings.HasSuffix(brief, " more faults") {
		t.Errorf("of too many faults it tells in brief %s", brief)
	}
	if long := strings.Repeat("x", 9); (Decision{Message: long}).Brief(5) != "xx…" {
		t.Error("a message without faults is cut anywhere")
	}
}
