package lock_test

import (
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

func TestIdentity(t *testing.T) {
	id := lock.Identity{Pod: "orders-7d9f-abcde", UID: "0f3c-1", Start: "k2"}
	if got, ok := lock.ParseIdentity(id.String()); !ok || got != id {
		t.Errorf("%q reads as %v, %v", id, got, ok)
	}
	for _, foreign := range []string{"", "host", "host_uid", "a__c", "_b_c", "a_b_", "a_b_c_d"} {
		if got, ok := lock.ParseIdentity(foreign); ok {
			t.Errorf("%q reads as %v", foreign, got)
		}
	}
	for holder, want := range map[string]string{id.String(): id.Pod, "host_0f3c": "host_0f3c", "": ""} {
		if got := lock.PodName(holder); got != want {
			t.Errorf("the pod of %q is %q, want %q", holder, got, want)
		}
	}
}

func TestVersionsAreOrdered(t *testing.T) {
	ordered := []lock.Version{"", "1", "2", "9", "10", "99", "100", "18446744073709551615", "18446744073709551616"}
	for i, v := range ordered {
		for j, w := range ordered {
			if got := v.Compare(w); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%q compares to %q as %d", v, w, got)
			}
		}
	}
}

func TestReleased(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	mark := lock.ReleaseMark("a_1_x", at)
	tests := map[string]struct {
		record lock.Record
		want   bool
	}{
		"released by its holder":                  {lock.Record{Mark: mark, Renewed: at}, true},
		"read back in whole seconds":              {lock.Record{Mark: mark, Renewed: at.Truncate(time.Second)}, true},
		"in another time zone":                    {lock.Record{Mark: mark, Renewed: at.In(time.FixedZone("", 3600))}, true},
		"held":                                    {lock.Record{Holder: "b_2_y", Mark: mark, Renewed: at}, false},
		"cleared by hand":                         {lock.Record{Renewed: at}, false},
		"cleared by hand, with an earlier mark":   {lock.Record{Mark: mark, Renewed: at.Add(time.Second)}, false},
		"a mark that names nobody":                {lock.Record{Mark: "2026-01-02T03:04:05Z", Renewed: at}, false},
		"an empty record, as it is made at first": {lock.Record{}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.record.Released(); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
