package bench

import (
	"reflect"
	"testing"

	"github.com/leaseholder-dev/leaseholder/test/bench/report"
	"github.com/leaseholder-dev/leaseholder/test/bench/stats"
)

func TestParseHandlers(t *testing.T) {
	const printed = `goos: linux
cpu: a CPU
BenchmarkAdmission/small/leaseholder-2         	    1560	    100000 ns/op	   2.97 MB/s	   41000 B/op	     451 allocs/op
BenchmarkAdmission/small/leaseholder-2         	    1560	    300000.5 ns/op	   2.97 MB/s	   41230 B/op	     451 allocs/op
BenchmarkAdmission/small/nothing-2             	   10000	     50000 ns/op	  11.03 MB/s	   11796 B/op	      83 allocs/op
PASS
`
	want := []report.Handler{
		{Pod: "small", What: "leaseholder", Took: report.SampleOf(stats.Of(100, 300.0005)), Allocations: 451, Bytes: 41230},
		{Pod: "small", What: "nothing", Took: report.SampleOf(stats.Of(50)), Allocations: 83, Bytes: 11796},
	}
	got, err := parseHandlers(printed)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	for what, printed := range map[string]string{
		"no benchmark":         "PASS\n",
		"a value without unit": "BenchmarkAdmission/small/nothing-2 10 5\n",
		"no number":            "BenchmarkAdmission/small/nothing-2 10 x ns/op\n",
		"no part of a name":    "BenchmarkAdmission/small-2 10 5 ns/op\n",
	} {
		if got, err := parseHandlers(printed); err == nil {
			t.Errorf("%s is no error: %+v", what, got)
		}
	}
}

func TestContestantsTakeTurns(t *testing.T) {
	var got [][]string
	for round := range 4 {
		got = append(got, inTurn([]string{"a", "b", "c"}, round))
	}
	want := [][]string{{"a", "b", "c"}, {"b", "c", "a"}, {"c", "a", "b"}, {"a", "b", "c"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
