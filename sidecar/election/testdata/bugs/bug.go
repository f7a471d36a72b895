package election

import (
	"strconv"
	"strings"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// active is the bug that is switched on, by name.
var active string

func bug(name string) bool { return active == name }

// pick gives one value with a bug, and another without.
func pick[T any](name string, with, without T) T {
	if bug(name) {
		return with
	}
	return without
}

// generation reads a store's revision as a number, and gives 0 where it is none.
func generation(revision string) int64 {
	n, _ := strconv.ParseInt(revision, 10, 64)
	return n
}

// markedBy reads a release mark without looking what it marks.
func markedBy(r lock.Record) string {
	by, _, _ := strings.Cut(r.Mark, " ")
	if r.Holder != "" {
		return ""
	}
	return by
}
