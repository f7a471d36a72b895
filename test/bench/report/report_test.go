package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/test/bench/stats"
)

// around is 100 values from half a median to half as much again.
func around(median float64) Sample {
	var v []float64
	for i := range 100 {
		v = append(v, median*(0.5+float64(i)/100))
	}
	return SampleOf(stats.Of(v...))
}

func constant(v float64) Sample { return SampleOf(stats.Of(v, v, v)) }

// example is a report that keeps all budgets.
func example() *Report {
	usualTiming := Timing{LeaseDuration: "15s", RenewDeadline: "10s", RetryPeriod: "2s"}
	failover := func(kind Kind, who string, candidates int, total, late float64) Failover {
		return Failover{
			Kind: kind, Contestant: who, Candidates: candidates, Elections: 8, Timing: usualTiming,
			Total: around(total), Late: around(late), Conflicts: constant(1), Reads: constant(2),
		}
	}
	rest := func(who string, standby float64) Rest {
		return Rest{
			Contestant: who, Candidates: 3, Timing: usualTiming, WindowSeconds: 60,
			LeaderRequests: 30, StandbyRequests: constant(standby), AllRequests: 10 + standby,
			LeaderMemory: 12, StandbyMemory: constant(11.5), LeaderCPU: 1.5, StandbyCPU: constant(0.5),
		}
	}
	return &Report{
		Begun: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Machine: Machine{
			CPUs: 2, Model: "a CPU", System: "Linux 6.1", Kubernetes: "v1.37.2", Go: "go1.26.0", Store: "etcd in memory", BusyBefore: 0.01,
		},
		Phases: []Phase{{Name: "graceful", Seconds: 30, Busy: 0.25}},
		Floor:  around(5),
		Failovers: []Failover{
			failover(Graceful, Leaseholder, 3, 9, 4), failover(Graceful, ClientGo, 3, 1800, 1790), failover(Graceful, Leaseholder, 100, 30, 20),
			failover(Crash, Leaseholder, 3, 14_000, 5), failover(Crash, ClientGo, 3, 16_000, 2100), failover(Crash, Leaseholder, 100, 5000, 20),
		},
		Rest:      []Rest{rest(Leaseholder, 0), rest(ClientGo, 18)},
		Programs:  []Program{{Leaseholder, 10_600_000}, {ClientGo, 26_800_000}},
		Admission: exampleAdmission(),
		Grants:    exampleGrants(),
	}
}

func table(t *testing.T, r *Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.Table(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAReportIsReadAsItWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "election.json")
	if err := example().Write(path); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, example()) {
		t.Errorf("got %+v", got)
	}
}

func TestBudgetsAreJudged(t *testing.T) {
	tests := map[string]struct {
		change func(*Report)
		missed string
	}{
		"a graceful failover beyond three floors": {
			func(r *Report) { r.Failovers[0].Total = around(20) },
			"graceful: SIGTERM to new leader (ms), leaseholder, 3 candidates: p50 ≤ 14.9",
		},
		"a slower floor allows more": {func(r *Report) { r.Failovers[0].Total, r.Floor = around(20), around(8) }, ""},
		"a hundred candidates have no budget of their own for a hand-over": {
			func(r *Report) { r.Failovers[2].Total = around(1000) }, "",
		},
		"conflicts at a hand-over": {
			func(r *Report) { r.Failovers[2].Conflicts = constant(4) },
			"graceful: conflicting writes a takeover, leaseholder, 100 candidates: p99 ≤ 3",
		},
		"a crash that is noticed late": {
			func(r *Report) { r.Failovers[3].Late = around(80) },
			"crash: beyond the lease's end (ms), leaseholder, 3 candidates: p99 ≤ 100",
		},
		"conflicts at a takeover": {
			func(r *Report) { r.Failovers[5].Conflicts = constant(50) },
			"crash: conflicting writes a takeover, leaseholder, 100 candidates: p99 ≤ 3",
		},
		"one standby that asks": {
			func(r *Report) { r.Rest[0].StandbyRequests = SampleOf(stats.Of(0, 0, 1)) },
			"rest: requests a minute, standby, leaseholder, 3 candidates: max ≤ 0",
		},
		"one standby that has grown": {
			func(r *Report) { r.Rest[0].StandbyMemory = SampleOf(stats.Of(9, 9, 14.1)) },
			"rest: resident memory, standby (MiB), leaseholder, 3 candidates: max ≤ 14",
		},
		"an executable that is too large": {
			func(r *Report) { r.Programs[0].Bytes = 12_000_001 },
			"executable, stripped (MB), leaseholder: ≤ 12",
		},
		"a handler that takes long for a small pod": {
			func(r *Report) { r.Admission.Handler[0].Took = around(150) },
			"admission: handler, small pod (µs), leaseholder: p50 beyond nothing ≤ 100",
		},
		"other pods and handlers have no budget": {
			func(r *Report) { r.Admission.Handler[1].Took, r.Admission.Handler[3].Took = around(1e4), around(1e4) }, "",
		},
		"the other contestant has no budget": {
			func(r *Report) {
				for i := range r.Failovers {
					if f := &r.Failovers[i]; f.Contestant == ClientGo {
						f.Total, f.Late, f.Conflicts = around(1e5), around(1e5), constant(99)
					}
				}
				r.Rest[1].LeaderMemory, r.Programs[1].Bytes = 100, 1e9
			}, "",
		},
	}
	if got := table(t, example()); !strings.Contains(got, "All budgets are kept") || strings.Contains(got, "NO") {
		t.Errorf("the example misses a budget:\n%s", got)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := example()
			test.change(r)
			got := table(t, r)
			if test.missed == "" {
				if !strings.Contains(got, "All budgets are kept") {
					t.Errorf("a budget is missed:\n%s", got)
				}
				return
			}
			if !strings.Contains(got, "Budgets missed: 1\n  "+test.missed+"\n") || !strings.Contains(got, "  NO\n") {
				t.Errorf("%q is not said alone in\n%s", test.missed, got)
			}
		})
	}
}

func TestTheTableHasEveryValueAndWhatItWasMeasuredOn(t *testing.T) {
	got := table(t, example())
	for _, line := range []string{
		`Kubernetes v1\.37\.2, etcd in memory, go1\.26\.0; 2 CPUs \(a CPU\), Linux 6\.1; other work took 1 %`,
		`a write, its event, a write \(ms\) +the floor +100 +4\.95 +7\.4 +7\.45 *\n`,
		`graceful: SIGTERM to new leader \(ms\) +leaseholder +3 +100 +8\.91 +13\.3 +13\.4 +p50 ≤ 14\.9 +yes\n +client-go +3 +100 +1782 `,
		`crash: beyond the lease's end \(ms\) +leaseholder +3 +100 +4\.95 .* p99 ≤ 100 +yes\n +client-go +3 .*\n +leaseholder +100 `,
		`rest: requests a minute, standby +leaseholder +3 +3 +0 +0 +0 +max ≤ 0 +yes\n +client-go +3 +3 +18 `,
		`executable, stripped \(MB\) +leaseholder +1 +10\.6 .*≤ 12 +yes\n +client-go +1 +26\.8 `,
		`crash, leaseholder, 3 candidates: 15s/10s/2s, 8 at a time`,
		`graceful: 30 s, 25 %`,
	} {
		if !regexp.MustCompile(line).MatchString(got) {
			t.Errorf("nothing is like %q in\n%s", line, got)
		}
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 9.998: "10", 0.5349: "0.535", 12.94: "12.9", 999.7: "1000", 1781.6: "1782", -1.5: "-1.5", 26.8: "26.8", 0.00123: "0.00123",
	} {
		if got := number(v); got != want {
			t.Errorf("%v is shown as %q, want %q", v, got, want)
		}
	}
}

func TestThePictureHasEveryFailover(t *testing.T) {
	r := example()
	r.Failovers[3].Late = SampleOf(stats.Of(-2, 0.5, 10, 1e6))
	content, err := r.Picture()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := r.Picture(); err != nil || !bytes.Equal(content, again) {
		t.Errorf("drawn again it is another (%v)", err)
	}
	var texts []string
	var strips [][]string
	in := ""
	for d := xml.NewDecoder(bytes.NewReader(content)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("it is no XML: %v\n%s", err, content)
		}
		switch token := token.(type) {
		case xml.StartElement:
			in = token.Name.Local
			attributes := map[string]string{}
			for _, a := range token.Attr {
				attributes[a.Name.Local] = a.Value
			}
			if strings.HasPrefix(attributes["class"], "strip ") {
				strips = append(strips, regexp.MustCompile(`M[0-9.]+ -?[0-9.]+h0`).FindAllString(attributes["d"], -1))
			}
		case xml.EndElement:
			in = ""
		case xml.CharData:
			if in == "text" {
				texts = append(texts, string(token))
			}
		}
	}
	var dots []int
	for _, s := range strips {
		dots = append(dots, len(s))
	}
	if want := []int{100, 100, 100, 100, 4, 100, 100}; !reflect.DeepEqual(dots, want) {
		t.Errorf("the strips have %v dots, want %v", dots, want)
	}
	if first, last := strips[4][0], strips[4][3]; !strings.HasPrefix(first, "M236.0 ") || !strings.HasPrefix(last, "M820.0 ") {
		t.Errorf("values beyond the axis are at %q and %q", first, last)
	}
	all := strings.Join(texts, "\n")
	for _, want := range []string{"Graceful failover", "Crash failover", "the floor", "Leaseholder", "client-go", "100 candidates, 15s/10s/2s", "p50 8.9 ms", "p99 2.7 s", "10 s", "2 CPUs"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in the picture:\n%s", want, all)
		}
	}
}
