package object

import (
	"testing"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// at is a state of the incarnation uid, held unless it is as it was made.
func at(uid string, count int64, revision string) (State, Entry) {
	e := Entry{UID: uid, Count: count, WriteID: revision}
	if count > 1 {
		e.Record = lock.Record{Holder: "a", Stamp: "a"}
	}
	return State{Exists: true, Revision: revision, Value: e.Value()}, e
}

func TestHistory(t *testing.T) {
	type seen struct {
		uid      string // missing, when empty
		count    int64
		revision string
	}
	const (
		same = iota
		later
		rewound
		askAgain
	)
	missing := seen{}
	tests := map[string]struct {
		known, next seen
		overlap     bool
		want        int
	}{
		"nothing new":                             {seen{"u", 5, "r5"}, seen{"u", 5, "r5"}, false, same},
		"nothing new, asked meanwhile":            {seen{"u", 5, "r5"}, seen{"u", 5, "r5"}, true, same},
		"still missing":                           {missing, missing, false, same},
		"the next write":                          {seen{"u", 5, "r5"}, seen{"u", 6, "r6"}, false, later},
		"a later write, asked meanwhile":          {seen{"u", 5, "r5"}, seen{"u", 9, "r9"}, true, later},
		"deleted":                                 {seen{"u", 5, "r5"}, missing, false, later},
		"deleted or not yet made, asked at once":  {seen{"u", 5, "r5"}, missing, true, askAgain},
		"made":                                    {missing, seen{"u", 1, "r1"}, false, later},
		"made or not yet deleted, asked at once":  {missing, seen{"u", 1, "r1"}, true, askAgain},
		"made anew":                               {seen{"u", 5, "r5"}, seen{"v", 1, "q1"}, false, later},
		"made anew or not, asked at once":         {seen{"u", 5, "r5"}, seen{"v", 1, "q1"}, true, askAgain},
		"an older answer":                         {seen{"u", 5, "r5"}, seen{"u", 4, "r4"}, true, askAgain},
		"restored":                                {seen{"u", 5, "r5"}, seen{"u", 4, "r7"}, false, rewound},
		"restored as it was made":                 {seen{"u", 5, "r5"}, seen{"u", 1, "r7"}, false, rewound},
		"restored, and written as often":          {seen{"u", 5, "r5"}, seen{"u", 5, "r8"}, false, rewound},
		"written as often, asked meanwhile":       {seen{"u", 5, "r5"}, seen{"u", 5, "r8"}, true, askAgain},
		"another incarnation, and held":           {seen{"u", 5, "r5"}, seen{"v", 2, "q2"}, false, rewound},
		"restored after its deletion":             {missing, seen{"u", 5, "r7"}, false, rewound},
		"restored after its deletion, overlapped": {missing, seen{"u", 5, "r7"}, true, askAgain},
	}
	state := func(s seen) (State, Entry) {
		if s == missing {
			return State{}, Entry{}
		}
		return at(s.uid, s.count, s.revision)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var h history
			asked := h.changes
			s, e := state(test.known)
			if !h.take(asked, s, e) {
				t.Fatal("the first answer proves nothing")
			}
			before := h.known
			if !test.overlap {
				asked = h.changes
			}
			s, e = state(test.next)
			got := askAgain
			if h.take(asked, s, e) {
				order := h.known.version().Compare(before.version())
				got = map[int]int{-1: rewound, 0: same, 1: later}[order]
				if !h.known.is(s) {
					t.Errorf("known is %+v", h.known)
				}
			} else if h.known != before {
				t.Errorf("what proves nothing is known: %+v", h.known)
			}
			if got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

// TestNoVersionComesAgain goes back and forth.
func TestNoVersionComesAgain(t *testing.T) {
	var h history
	given := map[lock.Version]bool{}
	take := func(s State, e Entry) {
		t.Helper()
		h.take(h.changes, s, e)
		if given[h.known.version()] {
			t.Errorf("version %s comes again", h.known.version())
		}
		given[h.known.version()] = true
	}
	for _, revision := range []string{"a", "b", "c"} {
		take(at("u", 7, revision))
		take(State{}, Entry{})
		take(at("v", 1, revision))
		take(at("v", 2, revision))
	}
}

func TestAWriteIsNotTakenForNewsOnWhatFollowedIt(t *testing.T) {
	var h history
	s, e := at("u", 5, "r5")
	h.take(h.changes, s, e)
	s, e = at("u", 7, "r7")
	h.take(h.changes, s, e) // another's, on this process's own, whose answer is late
	s, e = at("u", 6, "r6")
	h.written("r5", s, e)
	if h.known.entry.Count != 7 {
		t.Errorf("known is %+v", h.known)
	}
}

func TestVersions(t *testing.T) {
	for _, v := range []lock.Version{"", "7", version(1, 2)[1:], "x" + version(1, 2), "0000000000-0000000000000000001"} {
		if epoch, count, err := parse(v); err == nil && version(epoch, count) != v {
			t.Errorf("%q reads as %d, %d", v, epoch, count)
		}
	}
	if epoch, count, err := parse(version(firstEpoch, 42)); epoch != firstEpoch || count != 42 || err != nil {
		t.Errorf("it reads as %d, %d, %v", epoch, count, err)
	}
	for _, ordered := range [][2]lock.Version{
		{version(firstEpoch, 9), version(firstEpoch, 10)},
		{version(firstEpoch, maxCount), version(firstEpoch+1, 0)},
		{version(firstEpoch-1, maxCount), version(firstEpoch, 0)},
	} {
		if ordered[0].Compare(ordered[1]) >= 0 {
			t.Errorf("%s is not before %s", ordered[0], ordered[1])
		}
	}
}
