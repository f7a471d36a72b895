package check

import (
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// state is how something is.
type state string

// The states, the best first.
const (
	ok      state = "ok"
	unknown state = "unknown"
	warning state = "warning"
	failed  state = "failed"
)

// result is what one check says.
type result struct {
	// what was checked.
	what  string
	state state
	// message says in one line how it is.
	message string
	// details are what the message counts, one line each.
	details []string
	// next is what to do, one line each. Empty when it is ok.
	next []string
}

func okf(what, format string, args ...any) result {
	return result{what: what, state: ok, message: fmt.Sprintf(format, args...)}
}

func warnf(what, next, format string, args ...any) result {
	return result{what: what, state: warning, message: fmt.Sprintf(format, args...), next: []string{next}}
}

func failf(what, next, format string, args ...any) result {
	return result{what: what, state: failed, message: fmt.Sprintf(format, args...), next: []string{next}}
}

// unreadable is the result of a check whose object could not be read.
func unreadable(what, object string, err error) result {
	if apierrors.IsForbidden(err) {
		return result{what: what, state: unknown, message: "you may not read " + object, next: []string{"ask somebody who may, or for the right to"}}
	}
	return result{what: what, state: unknown, message: fmt.Sprintf("reading %s failed: %v", object, err), next: []string{"try again"}}
}

// count says how many results there are of each state.
func count(results []result) map[state]int {
	counts := map[state]int{}
	for i := range results {
		counts[results[i].state]++
	}
	return counts
}

// tell is the whole answer.
func tell(results []result) string {
	var text strings.Builder
	const indent = "         "
	for i := range results {
		r := &results[i]
		fmt.Fprintf(&text, "%-8s %s: %s\n", r.state, r.what, r.message)
		for _, line := range r.details {
			fmt.Fprintf(&text, "%s- %s\n", indent, line)
		}
		for _, line := range r.next {
			fmt.Fprintf(&text, "%sNext: %s\n", indent, line)
		}
	}
	counts := count(results)
	fmt.Fprintf(&text, "\n%d checks: %d ok, %d unknown, %d warning, %d failed\n",
		len(results), counts[ok], counts[unknown], counts[warning], counts[failed])
	return text.String()
}
