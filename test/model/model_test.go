package model

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var stories = flag.Bool("stories", false, "tell the way to every bug and goal that is found")

// file is the model.
const file = "election.pml"

// Sizes of searches.
var (
	// small has the shortest durations: a lead lasts until the next tick.
	small = []string{"-DRENEW_DEADLINE=1", "-DLEASE_DURATION=1", "-DVERSIONS=3"}
	// longer lets a renewal happen within a lead and not at its end alone.
	longer = []string{"-DRENEW_DEADLINE=2", "-DLEASE_DURATION=2", "-DVERSIONS=3"}
	// different makes pod 0 count on twice the time that pod 1 waits by itself.
	different = []string{
		"-DRENEW_DEADLINE_0=2", "-DLEASE_DURATION_0=2", "-DRENEW_DEADLINE=1", "-DLEASE_DURATION=1",
		"-DVERSIONS=3", "-DNO_CRASHES", "-DNO_DELETIONS", "-DNO_NAMES",
	}
)

func sized(size []string, terms, faults int, more ...string) []string {
	return slices.Concat(size, []string{fmt.Sprintf("-DTOKENS=%d", terms), fmt.Sprintf("-DFAULTS=%d", faults)}, more)
}

// only leaves one kind of fault.
func only(fault string) []string {
	var others []string
	for _, f := range []string{"CRASHES", "DELETIONS", "CLEARS", "NAMES"} {
		if f != fault {
			others = append(others, "-DNO_"+f)
		}
	}
	return others
}

// What is promised, by what pan prints of the assertion.
const (
	oneLeader   = "acts>0"
	risingToken = "bid>newest"
	steadyToken = "token))"
	goalIsFound = "!="
)

func TestTheRulesHold(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		flags []string
	}{
		{"with two faults, over three terms", sized(small, 3, 2)},
		{"with longer leads, over three terms", sized(longer, 3, 1)},
		{"with watches that lag far behind", sized(small, 2, 1, "-UVERSIONS", "-DVERSIONS=5")},
		{"with an application that takes its time to stop", sized(small, 3, 1, "-ULEASE_DURATION", "-DLEASE_DURATION=2", "-DLINGER=1")},
		{"with a slow clock", sized(longer, 2, 1, "-ULEASE_DURATION", "-DLEASE_DURATION=3", "-DSLOW=3")},
		{"with different durations", sized(different, 3, 1)},
		{"with three pods", sized(small, 2, 0, "-DPODS=3")},
		{"with three pods and a fault", sized(small, 2, 1, "-DPODS=3", "-DNO_LATE", "-DNO_STOPS")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSearch(t, test.flags)
			if found := s.run("-O2"); found != "" {
				t.Errorf("%s\n%s", found, s.shortestStory())
			}
		})
	}
}

func TestBugsAreFound(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, bug, breaks string
		flags             []string
	}{
		{"validity from the reply", "VALIDITY_FROM_THE_REPLY", oneLeader, sized(small, 2, 0)},
		{"no demotion", "NO_DEMOTION", oneLeader, sized(small, 2, 0)},
		{"demotion by timer only", "DEMOTION_BY_TIMER_ONLY", oneLeader, sized(small, 2, 0)},
		{"a clock that stops in suspend", "CLOCK_STOPS_IN_SUSPEND", oneLeader, sized(small, 2, 0)},
		{"the holder's renewTime trusted", "HOLDERS_CLOCK_TRUSTED", oneLeader, sized(small, 2, 0)},
		{"release before stop", "RELEASE_BEFORE_STOP", oneLeader, sized(small, 2, 0)},
		{"taking a missing lock at once", "TAKES_A_MISSING_LOCK_AT_ONCE", oneLeader, sized(small, 2, 1)},
		{"taking an unmarked empty lock at once", "TAKES_AN_EMPTY_LOCK_AT_ONCE", oneLeader, sized(small, 2, 1)},
		{"timer not reset by renewals", "TIMER_NOT_RESET_BY_RENEWALS", oneLeader, sized(longer, 2, 0)},
		{"conflict retried blindly", "CONFLICT_RETRIED_BLINDLY", oneLeader, sized(small, 2, 0)},
		{"a read that names me counted as leading", "READ_COUNTS_AS_LEADING", oneLeader, sized(small, 2, 0)},
		{"conflict taken as success", "CONFLICT_TAKEN_AS_SUCCESS", risingToken, sized(small, 2, 0)},
		{"only the record's duration", "ONLY_THE_RECORDS_DURATION", oneLeader, sized(small, 2, 1)},
		{"only one's own duration", "ONLY_ONES_OWN_DURATION", oneLeader, sized(different, 2, 0)},
		{"own lock by pod name", "OWN_LOCK_BY_POD_NAME", oneLeader, sized(small, 2, 0)},
		{"leaseTransitions as token", "TRANSITIONS_AS_TOKEN", risingToken, sized(small, 2, 0)},
		{"release retried on conflict", "RELEASE_RETRIED_ON_CONFLICT", oneLeader, sized(small, 3, 0)},
		{"a no-op write that extends", "NOOP_EXTENDS", oneLeader, sized(longer, 2, 0)},
		{"a write without the uid", "PUT_WITHOUT_UID", oneLeader, sized(small, 2, 1)},
		{"a mark that is not bound to the record", "MARK_NOT_BOUND", oneLeader, sized(small, 3, 1, only("CLEARS")...)},
		{"making gives the lead", "MAKING_GIVES_THE_LEAD", oneLeader, sized(small, 2, 1, append(only("DELETIONS"), "-UVERSIONS", "-DVERSIONS=4")...)},
		{"a late reply lowers the token", "LATE_REPLY_LOWERS_THE_TOKEN", steadyToken, sized(small, 2, 0)},
		{"a hand-named holder trusted", "HAND_NAMED_HOLDER_TRUSTED", oneLeader, sized(small, 2, 1)},
		{"a cleared record's duration ignored", "CLEARED_DURATION_IGNORED", oneLeader, sized(different, 2, 1)},
	}
	var bugs []string
	for _, test := range tests {
		bugs = append(bugs, "BUG_"+test.bug)
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			newSearch(t, append(test.flags, "-DBUG_"+test.bug)).mustFind(test.breaks)
		})
	}

	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(bugs)
	inModel := regexp.MustCompile(`BUG_[A-Z_]*[A-Z]`).FindAllString(string(text), -1)
	slices.Sort(inModel)
	if inModel = slices.Compact(inModel); !slices.Equal(bugs, inModel) {
		t.Errorf("the model has the bugs\n%q, the test\n%q", inModel, bugs)
	}
}

func TestMarginsAreSharp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		flags []string
	}{
		{"a lead that is longer than the wait", sized(small, 2, 0, "-URENEW_DEADLINE", "-DRENEW_DEADLINE=2")},
		{"an application that stops too late", sized(small, 2, 0, "-DLINGER=1")},
		{"a clock that is too slow", sized(longer, 2, 0, "-DSLOW=3")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			newSearch(t, test.flags).mustFind(oneLeader)
		})
	}
}

func TestWhatMustBePossible(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, goal string
		flags      []string
	}{
		{"a silent holder's lock is taken", "WAITED", sized(small, 2, 0)},
		{"a released lock is taken at once", "WAS_RELEASED", sized(small, 2, 0)},
		{"a lead that ran out goes on as a new term", "WAS_MINE", sized(small, 2, 0)},
		{"a pod that restarts takes its own lock at once", "WAS_MY_PODS", sized(small, 2, 1)},
		{"a pod that was named by hand leads at last", "WAS_NAMED", sized(small, 2, 1)},
		{"a cleared lock is written again without a gap", "RESTORED", sized(small, 2, 1)},
		{"a deleted lock is written again without a gap", "REMADE", sized(small, 2, 1)},
		{"a stopping leader keeps the lock until its application has ended", "STOPS", sized(small, 2, 0)},
		{"a crash is followed by a leader, and its release by the next", "STORY", sized(small, 3, 1, append(only("CRASHES"), "-DNO_LATE")...)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			newSearch(t, append(test.flags, "-DSEEK="+test.goal)).mustFind(goalIsFound)
		})
	}
}

// slots bounds how many searches run at a time: each has a processor to itself,
// and up to 1 GiB.
var slots = make(chan struct{}, 2)

// search is one search of the model, in a directory of its own.
type search struct {
	*testing.T
	dir   string
	flags []string
}

// newSearch waits for its turn. Flags are the preprocessor's.
func newSearch(t *testing.T, flags []string) *search {
	t.Helper()
	for _, program := range []string{"spin", "cc"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("find %q: %v; run `make model` as root, or install spin and a C compiler (Debian: apt-get install spin gcc libc6-dev)", program, err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &search{T: t, dir: t.TempDir(), flags: flags}
	if err := os.WriteFile(filepath.Join(s.dir, file), text, 0o600); err != nil {
		t.Fatal(err)
	}
	slots <- struct{}{}
	t.Cleanup(func() { <-slots })
	return s
}

var (
	statesPattern = regexp.MustCompile(`(\d+) states, stored`)
	errorPattern  = regexp.MustCompile(`(?m)^pan:\d+: (.*)$`)
)

// run searches all states and gives what it found first, or nothing. A search that
// is not exhaustive ends the test. Options are the C compiler's.
func (s *search) run(options ...string) (found string) {
	s.Helper()
	s.must("spin", append(append([]string{"-a"}, s.flags...), file)...)
	// Every step changes what others see: there is nothing to reduce.
	compile := []string{"-w", "-DSAFETY", "-DNOREDUCE", "-DMEMLIM=4096", "-o", "pan", "pan.c"}
	s.must("cc", append(options, compile...)...)
	// pan fails when it finds something, in some versions.
	report, err := s.output("./pan", "-m20000")
	states := statesPattern.FindStringSubmatch(report)
	if states == nil {
		s.Fatalf("search: %v\n%s", err, report)
	}
	if e := errorPattern.FindStringSubmatch(report); e != nil {
		s.Logf("%s states until it was found: %s", states[1], e[1])
		return e[1]
	}
	for _, doubt := range []string{"max search depth too small", "Search not completed", "-DMEMLIM", "out of memory"} {
		if strings.Contains(report, doubt) {
			s.Fatalf("the search is not exhaustive: %s\n%s", doubt, report)
		}
	}
	if !strings.Contains(report, "errors: 0") {
		s.Fatalf("search: %v\n%s", err, report)
	}
	s.Logf("%s states, all of them", states[1])
	return ""
}

// mustFind searches for the shortest way to a violation of what is named.
func (s *search) mustFind(promise string) {
	s.Helper()
	// Most are found in less time than the compiler would need to optimize.
	switch found := s.run("-O0", "-DBFS"); {
	case found == "":
		s.Error("nothing was found")
	case !strings.Contains(found, promise):
		s.Errorf("found %q instead of %q\n%s", found, promise, s.story())
	case *stories:
		s.Log(s.story())
	}
}

// shortestStory tells the shortest way to what was found, unless that takes too
// much memory.
func (s *search) shortestStory() string {
	s.Helper()
	long := s.story()
	if s.run("-O2", "-DBFS") == "" {
		return long
	}
	return s.story()
}

// story tells the way to what the last run found.
func (s *search) story() string {
	s.Helper()
	report, err := s.output("spin", append(append([]string{"-t"}, s.flags...), file)...)
	if err != nil {
		s.Logf("replay: %v", err)
	}
	story, _, _ := strings.Cut(report, "#processes")
	var lines []string
	for line := range strings.Lines(story) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.Join(lines, "\n")
}

// must runs a program that can't fail.
func (s *search) must(program string, args ...string) {
	s.Helper()
	if report, err := s.output(program, args...); err != nil {
		s.Fatalf("run %q: %v\n%s", program+" "+strings.Join(args, " "), err, report)
	}
}

func (s *search) output(program string, args ...string) (string, error) {
	c := exec.CommandContext(s.Context(), program, args...)
	c.Dir = s.dir
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	return out.String(), err
}
