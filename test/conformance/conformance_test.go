package conformance

import (
	"io"
	"slices"
	"strings"
	"testing"
)

const events = `
{"Action":"run","Test":"TestConformance"}
{"Action":"output","Test":"TestConformance/a_lock_is_made_once","Output":"a line\n"}
{"Action":"pass","Test":"TestConformance/a_lock_is_made_once"}
{"Action":"fail","Test":"TestConformance/a_watch_ends_with_its_context"}
{"Action":"fail","Test":"TestConformance"}
{"Action":"fail"}
`

func TestWhatIsNotKeptIsSaid(t *testing.T) {
	table := Table{
		Promises: []string{"a lock is made once", "a watch ends with its context", "another"},
		Backends: []string{"one"},
		results:  map[cell]string{},
	}
	var log strings.Builder
	if err := table.read("one", strings.NewReader(events), &log); err != nil {
		t.Fatal(err)
	}
	if log.String() != "a line\n" {
		t.Errorf("the log is %q", log.String())
	}
	const want = `| what a lock promises | one |
| --- | --- |
| a lock is made once | yes |
| a watch ends with its context | fail |
| another | not tried |
`
	if got := table.String(); got != want {
		t.Errorf("the table is\n%s", got)
	}
	err := table.Judge()
	if err == nil || err.Error() != "one: a watch ends with its context: fail\none: another: not tried" {
		t.Errorf("it is judged as %v", err)
	}
	if none := new(Table); none.Judge() == nil {
		t.Error("no backend at all keeps everything")
	}
	if err := table.read("one", strings.NewReader("no JSON"), io.Discard); err == nil {
		t.Error("what cannot be read is no error")
	}
}

func TestTheTableGoesInItsPlace(t *testing.T) {
	table := Table{Promises: []string{"p"}, Backends: []string{"b"}}
	const old = "before\n<!-- conformance -->\nold\n<!-- /conformance -->\nafter\n"
	got, err := table.Into(old)
	want := "before\n<!-- conformance -->\n" + table.String() + "<!-- /conformance -->\nafter\n"
	if err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := table.Into("before\nafter\n"); err == nil {
		t.Error("a document without a place is taken")
	}
}

func TestBackendsAreFound(t *testing.T) {
	backends, err := Backends("../..")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, b := range backends {
		names = append(names, b.Name)
	}
	if len(names) == 0 || names[0] != "lease" || !slices.Contains(names, "memory") || !slices.Contains(names, "s3") {
		t.Errorf("found are %v", names)
	}
	if all := len(names); len(slices.Compact(names)) != all {
		t.Errorf("of %v one is there twice", names)
	}
}
