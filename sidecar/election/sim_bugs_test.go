package election

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// knownBug is one mistake that an elector can make. It is written into the
// source by edits, which are compiled beside the real source, all at once, each
// behind a switch of its own.
type knownBug struct {
	name  string
	edits []edit
	// kind of server that finds it; watched if nothing else is said.
	kind simKind
	// world is a mistake outside the machine.
	world simMistake
	// script is a schedule that shows the bug, where random ones seldom do. It
	// must find nothing without the bug.
	script func() error
}

// edit replaces a piece of a file, which stands there once.
type edit struct{ file, before, after string }

type simMistake int

const (
	_ simMistake = iota
	// stopsInSuspend: the clock stops while the machine is suspended.
	stopsInSuspend
	// putWithoutUID: a write on a missing lock makes it.
	putWithoutUID
	// lateReplies: an answer counts also when its request was given up.
	lateReplies
	// generationsOrdered: a store's generations are taken for the order of its states.
	generationsOrdered
	// arrivalOrder: whatever comes last from a store is taken for its newest state.
	arrivalOrder
	// epochKept: another object of the same name is taken for a later state of it.
	epochKept
	// equalCountIgnored: another state at the same count is not looked at.
	equalCountIgnored
	// writesUnnamed: a refused write is not recognised as one's own.
	writesUnnamed
	// leaseLeftFirst: the store's lease is released before the record.
	leaseLeftFirst
	// restoredIsNews: an earlier state of an object is taken for a later one.
	restoredIsNews
	// validFromLast: validity counts from the last of the requests that a write is.
	validFromLast
	// ttlIgnored: durations beside electors of 2016 that do not fit theirs.
	ttlIgnored
)

var knownBugs = []knownBug{
	{name: "validity from the reply", edits: []edit{{
		"write.go", `until := sent + m.timing`, `until := pick("validity from the reply", now, sent) + m.timing`,
	}}},
	{name: "no demotion", edits: []edit{
		{"next.go", `if m.leading && now >= m.validUntil {`, `if m.leading && now >= m.validUntil && !bug("no demotion") {`},
		{"machine.go", `return m.leading && now < m.validUntil }`, `return m.leading && (now < m.validUntil || bug("no demotion") || bug("demotion by timer only")) }`},
	}},
	{name: "demotion by timer only"},
	{name: "a clock that stops in suspend", world: stopsInSuspend},
	{name: "the holder's renewTime trusted", edits: []edit{{
		"take.go", `	return m.seenAt + m.wait() + m.courtesy() + m.spread()`,
		`	if bug("the holder's renewTime trusted") && holder != "" && !m.server.IsZero() {
			return m.serverAt + m.known.Record.Renewed.Add(m.wait()).Sub(m.server)
		}
		return m.seenAt + m.wait() + m.courtesy() + m.spread()`,
	}}},
	{name: "release before stop", edits: []edit{
		{"giveup.go", `	m.demote()
	m.stopping`, `	if !bug("release before stop") {
		m.demote()
	}
	m.stopping`},
		{"giveup.go", `	m.demote()
	m.resigning`, `	if !bug("release before stop") {
		m.demote()
	}
	m.resigning`},
	}},
	{name: "taking a missing lock at once", edits: []edit{{
		"take.go", `	case m.holds(), holder`, `	case bug("taking a missing lock at once") && m.known.Record == (lock.Record{}):
		return 0
	case bug("taking an unmarked empty lock at once") && holder == "":
		return 0
	case bug("conflict retried blindly") && m.lost > 0:
		return 0
	case m.holds(), holder`,
	}, {"take.go", `	"time"
)`, `	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)`}}},
	{name: "taking an unmarked empty lock at once"},
	{name: "conflict retried blindly"},
	{name: "timer not reset by renewals", edits: []edit{{
		"observe.go", `	m.known, m.seenAt, m.confirmed = s, now, false`,
		`	if bug("timer not reset by renewals") && r.Holder != "" && r.Holder == m.known.Record.Holder {
			now = m.seenAt
		}
		m.known, m.seenAt, m.confirmed = s, now, false`,
	}}},
	{name: `"it says me" in a read counted as leading`, edits: []edit{{
		"observe.go", `	if first {
		m.inherit`, `	if bug("\"it says me\" in a read counted as leading") && s.Record.Holder == m.self.String() {
		m.leading, m.validUntil, m.sentAt = true, sent+m.timing.RenewDeadline, sent
	}
	if first {
		m.inherit`,
	}}},
	{name: "conflict taken as success", edits: []edit{{
		"request.go", `	case r.err != nil:
		if m.bid`, `	case bug("conflict taken as success") && errors.Is(r.err, lock.ErrConflict):
		m.inFlight = false
		m.leading, m.validUntil, m.sentAt = true, r.sent+m.timing.RenewDeadline, r.sent
		m.token = max(m.token, r.record.Token)
	case r.err != nil:
		if m.bid`,
	}}},
	{name: "only the record's duration", edits: []edit{{
		"machine.go", `	return max(m.timing.LeaseDuration, d)`,
		`	if bug("only the record's duration") {
			return m.known.Record.Duration
		}
		if bug("only one's own duration") {
			return m.timing.LeaseDuration
		}
		return max(m.timing.LeaseDuration, d)`,
	}}},
	{name: "only one's own duration"},
	{name: "own lock by pod name", edits: []edit{{
		"observe.go", `id.UID == m.self.UID &&`, `(id.UID == m.self.UID || bug("own lock by pod name") && id.Pod == m.self.Pod) &&`,
	}}},
	{name: "leaseTransitions as token", edits: []edit{{
		"write.go", `		r.Transitions++
	}`, `		r.Transitions++
	}
	if bug("leaseTransitions as token") {
		r.Token = int64(r.Transitions)
	}`,
	}}},
	{name: "release retried on conflict", edits: []edit{{
		"giveup.go", `	return !m.myTerm ||`, `	if bug("release retried on conflict") {
		return !m.inFlight && m.fresh && m.known.Record.Holder == ""
	}
	return !m.myTerm ||`,
	}}},
	{name: "a no-op write that extends", edits: []edit{
		{"write.go", `if s.Version.Compare(base.Version) <= 0 {`, `if s.Version.Compare(base.Version) <= 0 && !bug("a no-op write that extends") {`},
		{"write.go", `	if next := before`, `	if bug("a no-op write that extends") && !before.IsZero() {
		return before
	}
	if next := before`},
	}},
	{name: "PUT without uid", world: putWithoutUID},
	{name: "mark not bound to the record", script: scriptMark, edits: []edit{{
		"take.go", `	by := m.known.Record.ReleasedBy()
`, `	by := m.known.Record.ReleasedBy()
	if bug("mark not bound to the record") {
		by = markedBy(m.known.Record)
		return by != ""
	}
`,
	}}},
	{name: "old watch state accepted", edits: []edit{{
		"observe.go", `	if s.Version.Compare(m.known.Version) > 0 {`, `	if s.Version.Compare(m.known.Version) > 0 || bug("old watch state accepted") {`,
	}}},
	{name: "making gives the lead", edits: []edit{{
		"request.go", `	case err == nil, errors.Is(err, lock.ErrExists):
`, `	case err == nil && bug("making gives the lead"):
		m.inFlight, m.fresh = false, false
		m.leading, m.validUntil, m.sentAt = true, m.askedAt+m.timing.RenewDeadline, m.askedAt
		m.highest++
		m.token = m.highest
	case err == nil, errors.Is(err, lock.ErrExists):
`,
	}}},
	{name: "a late reply lowers the token", world: lateReplies, edits: []edit{{
		"write.go", `		m.token = max(m.token, s.Record.Token)`, `		m.token = pick("a late reply lowers the token", s.Record.Token, max(m.token, s.Record.Token))`,
	}}},
	{name: "a hand-named holder trusted", edits: []edit{{
		"take.go", `func (m *machine) holds() bool { return m.mine() && m.known.Record.Stamped() && m.myTerm }`,
		`func (m *machine) holds() bool {
			return m.mine() && (bug("a hand-named holder trusted") || m.known.Record.Stamped() && m.myTerm)
		}`,
	}}},
	{name: "a cleared record's duration ignored", script: scriptCleared, edits: []edit{{
		"observe.go", `		m.termD = max(m.termD, r.Duration)
	}
	switch`, `		m.termD = pick("a cleared record's duration ignored", r.Duration, max(m.termD, r.Duration))
	}
	switch`,
	}}},
	{name: "a term revived by a late answer", edits: []edit{{
		"write.go", `	if !m.leading && s.Record.Token <= m.token {`, `	if !m.leading && s.Record.Token <= m.token && !bug("a term revived by a late answer") {`,
	}}},
	{name: "a failed write repeated without a read", edits: []edit{{
		"request.go", `	m.fresh = false
	m.readFailed(now)`, `	m.fresh = bug("a failed write repeated without a read")
	m.readFailed(now)`,
	}}},
	{name: "a release believed of anybody", script: scriptForeignMark, edits: []edit{{
		"take.go", `(m.lastHolder == "" || by == m.lastHolder)`, `(m.lastHolder == "" || by == m.lastHolder || bug("a release believed of anybody"))`,
	}}},
	{name: "a stranger's release believed at once", edits: []edit{{
		"observe.go", ` && m.followsForeign(m.known) && m.seenAt >= m.foreignFrom`, ` && (bug("a stranger's release believed at once") || m.followsForeign(m.known) && m.seenAt >= m.foreignFrom)`,
	}}},
	{name: "a silent watch believed for ever", script: scriptSilent, edits: []edit{{
		"take.go", `	return m.heardAt + time.Duration(`, `	if bug("a silent watch believed for ever") {
		return never
	}
	return m.heardAt + time.Duration(`,
	}, {"take.go", `	return m.seenAt + m.wait() - m.timing.RetryPeriod
`, `	if bug("a silent watch believed for ever") {
		return never / 2
	}
	return m.seenAt + m.wait() - m.timing.RetryPeriod
`}, {"next.go", `	if !m.confirmed && now >= m.confirmAt() {`, `	if !bug("a silent watch believed for ever") && !m.confirmed && now >= m.confirmAt() {`}}},
	{name: "a rewound history not noticed", script: scriptRewound, edits: []edit{{
		"observe.go", `	m.notBefore = now + m.wait()`, `	if !bug("a rewound history not noticed") {
		m.notBefore = now + m.wait()
	}`,
	}}},
	{name: "a token ahead of the server's clock", script: scriptDrift, edits: []edit{{
		"machine.go", `	slowest := float64(m.timing.RenewDeadline) / float64(m.timing.LeaseDuration)`,
		`	slowest := pick("a token ahead of the server's clock", 1, float64(m.timing.RenewDeadline)/float64(m.timing.LeaseDuration))`,
	}}},
	{name: "a hand-over forgotten in a restart", script: scriptHeir, edits: []edit{{
		"write.go", `	if m.heir != "" &&`, `	if !bug("a hand-over forgotten in a restart") && m.heir != "" &&`,
	}}},
	{name: "stepping down only when leading", script: scriptBid, edits: []edit{{
		"giveup.go", `	if !m.leading && !m.myTerm {`, `	if !m.leading && (!m.myTerm || bug("stepping down only when leading")) {`,
	}}},
	{name: "a generation as token", kind: polled, edits: []edit{{
		"write.go", `	if bug("leaseTransitions as token") {`, `	if g := generation(m.known.Revision); g > 0 && bug("a generation as token") {
		r.Token = g + 1
	}
	if bug("leaseTransitions as token") {`,
	}}},
	{name: "generations taken for an order", kind: polled, world: generationsOrdered},
	{name: "whatever comes last taken for the newest", kind: polled, world: arrivalOrder},
	{name: "another object taken for a later state", kind: polled, world: epochKept},
	{name: "another state at the same count not looked at", kind: polled, world: equalCountIgnored},
	{name: "an earlier state taken for a later one", world: restoredIsNews, script: scriptRestored},
	{name: "one's own write not recognised", world: writesUnnamed, script: scriptUnnamed},
	{name: "validity from the last request of a write", world: validFromLast, script: scriptSettled},
	{name: "the store's lease trusted alone", kind: leased, edits: []edit{{
		"take.go", `	case bug("taking a missing lock at once")`, `	case bug("the store's lease trusted alone") && m.heldByAnother():
		return m.seenAt + m.timing.RetryPeriod
	case bug("taking a missing lock at once")`,
	}}},
	{name: "the store's lease released before the record", world: leaseLeftFirst, script: scriptLeased},
	{name: "the ttl of 2016 ignored", kind: endpoints, world: ttlIgnored},
	{name: "leaving before a write is accounted for", script: scriptLost, edits: []edit{{
		"giveup.go", `!m.inFlight && m.fresh && !m.holds()`, `(bug("leaving before a write is accounted for") || !m.inFlight && m.fresh) && !m.holds()`,
	}}},
}

// TestScriptsFindNothing: without its bug, a script breaks no promise.
func TestScriptsFindNothing(t *testing.T) {
	for _, b := range knownBugs {
		if b.script == nil {
			continue
		}
		if err := b.script(); err != nil {
			t.Errorf("the script of %q: %v", b.name, err)
		}
	}
}

// TestEveryBugIsCaught compiles this package once more, with every bug in it
// behind a switch, and lets the simulator find each.
func TestEveryBugIsCaught(t *testing.T) {
	command := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-v", "-run=^TestBugs$", "-overlay="+overlay(t), ".")
	out, err := command.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

// overlay writes the source with the bugs, and gives the file that puts it in
// place of the real one.
func overlay(t *testing.T) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	replace := map[string]string{}
	for _, name := range []string{"bug.go", "bug_test.go"} {
		replace[filepath.Join(folder, name)] = filepath.Join(folder, "testdata", "bugs", name)
	}
	sources := map[string]string{}
	for _, b := range knownBugs {
		for _, e := range b.edits {
			source, read := sources[e.file]
			if !read {
				content, err := os.ReadFile(e.file)
				if err != nil {
					t.Fatal(err)
				}
				source = string(content)
			}
			if n := strings.Count(source, e.before); n != 1 {
				t.Fatalf("%s: %q stands %d times in %s, which must be once", b.name, e.before, n, e.file)
			}
			sources[e.file] = strings.Replace(source, e.before, e.after, 1)
		}
	}
	scratch := t.TempDir()
	for name, source := range sources {
		path := filepath.Join(scratch, name)
		if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(folder, name)] = path
	}
	content, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(scratch, "overlay.json")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
