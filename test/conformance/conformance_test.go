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
	if err := table.take("one", strings.NewReader(events), &log, true); err != nil {
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
	if err := table.take("one", strings.NewReader("no JSON"), io.Discard, true); err == nil {
		t.Error("what cannot be read is no error")
	}
}

// The model of a server passes, and the server itself could not be started, or its test
// not be compiled.
func TestABackendWhoseServerWasNotTriedFails(t *testing.T) {
	const passed = `{"Action":"pass","Test":"TestConformance/p"}
{"Action":"pass","Test":"TestConformance"}
{"Action":"pass"}`
	for what, events := range map[string]string{
		"before any test":        `{"Action":"fail"}`,
		"before any promise":     `{"Action":"fail","Test":"TestConformance"}` + "\n" + `{"Action":"fail"}`,
		"without a word":         "",
		"after every promise":    `{"Action":"pass","Test":"TestConformance/p"}` + "\n" + `{"Action":"fail"}`,
		"with a promise":         `{"Action":"fail","Test":"TestConformance/p"}`,
		"with no promise tried":  `{"Action":"skip","Test":"TestConformance"}`,
		"with a skipped promise": `{"Action":"skip","Test":"TestConformance/p"}` + "\n" + `{"Action":"fail"}`,
	} {
		t.Run(what, func(t *testing.T) {
			for _, first := range []bool{true, false} {
				table := Table{Promises: []string{"p"}, Backends: []string{"b"}, results: map[cell]string{}}
				runs := []bool{first, !first}
				for _, failed := range runs {
					said := passed
					if failed {
						said = events
					}
					if err := table.take("b", strings.NewReader(said), io.Discard, failed); err != nil {
						t.Fatal(err)
					}
				}
				if table.Judge() == nil {
					t.Errorf("the promise is kept, with the failure first: %t", first)
				}
			}
		})
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
	names := Names(backends)
	if len(names) == 0 || names[0] != "lease" || !slices.Contains(names, "memory") || !slices.Contains(names, "s3") {
		t.Errorf("found are %v", names)
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(names))); len(unique) != len(names) {
		t.Errorf("of %v one is there twice", names)
	}
}

func TestABackendThatFailsOnceFails(t *testing.T) {
	for _, order := range [][2]string{{"pass", "fail"}, {"fail", "pass"}} {
		table := Table{results: map[cell]string{}}
		for _, result := range order {
			table.enter(cell{"p", "b"}, result)
		}
		if said := table.says("p", "b"); said != "fail" {
			t.Errorf("%v gives %q", order, said)
		}
	}
}
