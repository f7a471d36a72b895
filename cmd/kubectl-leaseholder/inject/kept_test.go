package inject

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/leaseholder-dev/leaseholder/injector"
)

// checkKept checks that all lines of before are in after, in their order.
func checkKept(t *testing.T, before, after string) {
	t.Helper()
	if line, lost := firstLost(before, after); lost {
		t.Errorf("%q was lost or moved:\n%s", line, after)
	}
}

// firstLost is the first line of before that is not in after, behind those before it.
func firstLost(before, after string) (line string, lost bool) {
	rest := strings.Split(strings.TrimSuffix(after, "\n"), "\n")
	for line := range strings.SplitSeq(strings.TrimSuffix(before, "\n"), "\n") {
		at := slices.IndexFunc(rest, func(now string) bool { return keeps(now, line) })
		if at < 0 {
			return line, true
		}
		rest = rest[at+1:]
	}
	return "", false
}

var (
	// open is what something can be put into: brackets, an alias, nothing, and a list
	// in one word, as meshes have them.
	open = regexp.MustCompile(`[\[{*~]|\bnull\b|istio\.io/|linkerd\.io/`)
	// gone is what may go from a line: an alias, and what says that there is nothing.
	gone = regexp.MustCompile(`\*\w+|~|\bnull\b|\[\]|\{\}`)
)

// keeps says whether a line is another, or what became of it: all of its characters
// in their order, and its comment behind them.
func keeps(now, line string) bool {
	key, _, isOurs := strings.Cut(line, ": ")
	switch {
	case now == line, now == line+",": // in JSON, another can come behind it
		return true
	case isOurs && strings.HasPrefix(strings.TrimSpace(key), injector.Prefix):
		return strings.HasPrefix(now, key+": ") // a label that is set back
	case !open.MatchString(line):
		return false
	}
	content, comment, _ := strings.Cut(line, " #")
	if !strings.HasSuffix(now, comment) {
		return false
	}
	rest := strings.TrimSuffix(now, comment)
	for _, c := range strings.TrimRight(gone.ReplaceAllString(content, ""), " ") {
		i := strings.IndexRune(rest, c)
		if i < 0 {
			return false
		}
		rest = rest[i+len(string(c)):]
	}
	return true
}

// losses takes each line away from what came out, and counts those that are missed.
func losses(before, after string) (found, all int) {
	now := strings.Split(after, "\n")
	at := -1
	for line := range strings.SplitSeq(strings.TrimSuffix(before, "\n"), "\n") {
		at += 1 + slices.IndexFunc(now[at+1:], func(now string) bool { return keeps(now, line) })
		if _, lost := firstLost(before, strings.Join(slices.Concat(now[:at], now[at+1:]), "\n")); lost {
			found++
		}
		all++
	}
	return found, all
}

func TestWhatIsLostIsFound(t *testing.T) {
	const before = "# one\na: [b] # two\nc:\n- d\n- e: *f # three\n"
	for what, test := range map[string]struct {
		after string
		lost  string
	}{
		"nothing":                   {before, ""},
		"nothing, and lines came":   {"x: y\n# one\na: [b, z] # two\nc:\n- x\n- d\n- e: # three\n    f: g\n", ""},
		"a line":                    {"# one\na: [b] # two\nc:\n- e: *f # three\n", "- d"},
		"a comment's line":          {"a: [b] # two\nc:\n- d\n- e: *f # three\n", "# one"},
		"a comment behind a change": {"# one\na: [b, z]\nc:\n- d\n- e: *f # three\n", "a: [b] # two"},
		"a part of a comment":       {"# on\na: [b] # two\nc:\n- d\n- e: *f # three\n", "# one"},
		"what was between brackets": {"# one\na: [z] # two\nc:\n- d\n- e: *f # three\n", "a: [b] # two"},
		"the order":                 {"# one\na: [b] # two\nc:\n- e: *f # three\n- d\n", "- e: *f # three"},
		"indentation":               {"# one\na: [b] # two\nc:\n  - d\n- e: *f # three\n", "- d"},
	} {
		t.Run(what, func(t *testing.T) {
			if line, lost := firstLost(before, test.after); line != test.lost || lost != (test.lost != "") {
				t.Errorf("lost is %q, %v", line, lost)
			}
		})
	}
}
