package conformance

import (
	"errors"
	"fmt"
	"strings"
)

// Marks around the table in a document.
const (
	begin = "<!-- conformance -->\n"
	end   = "<!-- /conformance -->"
)

// What go test says of a test that passes, and of one that does not.
const (
	pass = "pass"
	fail = "fail"
)

// untried is what a cell says of a promise that a run said nothing of.
const untried = "not tried"

// Kept is what a cell says of a promise that is kept.
const Kept = "yes"

// Table is what came of the suite.
type Table struct {
	// Promises are the rows, Backends the columns.
	Promises, Backends []string

	results map[cell]string
}

type cell struct{ promise, backend string }

// says is what a cell says: Kept, or what happened instead.
func (t *Table) says(promise, backend string) string {
	switch result := t.results[cell{promise, backend}]; result {
	case pass:
		return Kept
	case "":
		return untried
	default:
		return result
	}
}

// String is the table in Markdown.
func (t *Table) String() string {
	var b strings.Builder
	row := func(head string, cells func(backend string) string) {
		b.WriteString("| " + head + " |")
		for _, backend := range t.Backends {
			b.WriteString(" " + cells(backend) + " |")
		}
		b.WriteString("\n")
	}
	row("what a lock promises", func(backend string) string { return backend })
	row("---", func(string) string { return "---" })
	for _, promise := range t.Promises {
		row(promise, func(backend string) string { return t.says(promise, backend) })
	}
	return b.String()
}

// Judge is an error that names every promise that is not kept.
func (t *Table) Judge() error {
	var broken []error
	for _, backend := range t.Backends {
		for _, promise := range t.Promises {
			if said := t.says(promise, backend); said != Kept {
				broken = append(broken, fmt.Errorf("%s: %s: %s", backend, promise, said))
			}
		}
	}
	if len(t.Backends) == 0 {
		broken = append(broken, errors.New("there is no backend"))
	}
	return errors.Join(broken...)
}

// Into puts the table in its place in a document.
func (t *Table) Into(document string) (string, error) {
	before, rest, found := strings.Cut(document, begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return "", fmt.Errorf("the document has no place for the table, between %q and %q", strings.TrimSpace(begin), end)
	}
	return before + begin + t.String() + end + after, nil
}
