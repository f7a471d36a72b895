package bench_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leaseholder-dev/leaseholder/test/bench"
	"github.com/leaseholder-dev/leaseholder/test/bench/report"
)

// progress writes a run's progress to the test's log.
type progress struct{ t *testing.T }

func (p progress) Write(line []byte) (int, error) {
	p.t.Log(strings.TrimRight(string(line), "\n"))
	return len(line), nil
}

// measured says that there are so many values, and numbers all of them.
func measured(t *testing.T, what string, s report.Sample, n int) {
	t.Helper()
	if len(s.Values) != n || s.N != n {
		t.Errorf("%s: %d values (%d in the summary), want %d", what, len(s.Values), s.N, n)
	}
	for _, v := range s.Values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Errorf("%s: a value is %v", what, v)
		}
	}
}

func TestAQuickRunMeasuresEverything(t *testing.T) {
	const rounds = 2
	r, err := bench.Run(t.Context(), bench.Options{
		Assets: os.Getenv("KUBEBUILDER_ASSETS"), Dir: t.TempDir(), Rounds: rounds, Quick: true, Out: progress{t},
	})
	if err != nil {
		t.Fatalf("KUBEBUILDER_ASSETS=bin/k8s, of make control-plane: %v", err)
	}
	measured(t, "the floor", r.Floor, 2*rounds)
	if r.Floor.Min <= 0 {
		t.Errorf("the floor took %v ms", r.Floor.Min)
	}
	failovers(t, r, rounds)
	admission(t, r, rounds)
	granted(t, r, rounds)
	atRest(t, r)
	for _, p := range r.Programs {
		if p.Bytes <= 0 {
			t.Errorf("%s has %d bytes", p.Contestant, p.Bytes)
		}
	}
	if len(r.Programs) != 2 || r.Machine.Kubernetes == "" || r.Machine.CPUs == 0 || len(r.Phases) == 0 || !r.Quick {
		t.Errorf("the report is not whole: %+v %+v %+v", r.Programs, r.Machine, r.Phases)
	}
	if err := r.Table(progress{t}); err != nil {
		t.Error(err)
	}
	if err := r.WritePicture(filepath.Join(t.TempDir(), "failover.svg")); err != nil {
		t.Error(err)
	}
}

func failovers(t *testing.T, r *report.Report, rounds int) {
	t.Helper()
	var kinds []string
	for _, f := range r.Failovers {
		what := fmt.Sprintf("%s %s %d", f.Kind, f.Contestant, f.Candidates)
		kinds = append(kinds, what)
		for name, sample := range map[string]report.Sample{"total": f.Total, "late": f.Late, "conflicts": f.Conflicts, "reads": f.Reads} {
			measured(t, what+" "+name, sample, rounds)
		}
		if f.Total.Min <= 0 {
			t.Errorf("%s took %v ms", what, f.Total.Min)
		}
		// Nobody may lead before a crashed leader's lease ends; two watches differ
		// by far less than the second in which the leader renews.
		if f.Kind == report.Crash && f.Late.Min < -1000 {
			t.Errorf("%s: a candidate led %v ms before the lease's end", what, -f.Late.Min)
		}
		if f.Kind == report.Crash && f.Reads.Min < 1 {
			t.Errorf("%s: a takeover without a read: %+v", what, f.Reads)
		}
	}
	want := []string{
		"graceful leaseholder 3", "graceful client-go 3", "crash leaseholder 3", "crash client-go 3", "graceful leaseholder 6", "crash leaseholder 6",
	}
	if !slices.Equal(kinds, want) {
		t.Errorf("the failovers are %q, want %q", kinds, want)
	}
}

func admission(t *testing.T, r *report.Report, rounds int) {
	t.Helper()
	a := r.Admission
	if len(a.Handler) != 9 || len(a.Memory) != 2 || a.Kept == 0 {
		t.Errorf("what was measured of admission is not whole: %+v", a)
	}
	var kinds []string
	for _, c := range a.Creations {
		what := fmt.Sprintf("%s %s", c.Pod, c.Contestant)
		if c.AtOnce == 1 {
			kinds = append(kinds, what)
			measured(t, what, c.Took, rounds)
		}
		if c.Took.Min <= 0 || (c.CPU > 0) != (c.Contestant != report.NoWebhook) {
			t.Errorf("%s took %v ms and %v ms of CPU", what, c.Took.Min, c.CPU)
		}
	}
	want := []string{
		"small no-webhook", "small idle", "small leaseholder", "first small no-webhook", "first small idle", "first small leaseholder",
		"large no-webhook", "large idle", "large leaseholder",
	}
	if !slices.Equal(kinds, want) {
		t.Errorf("the creations are %q, want %q", kinds, want)
	}
	for _, m := range a.Memory {
		if m.Rest <= 0 || m.Load <= 0 || m.Kept <= 0 {
			t.Errorf("no memory: %+v", m)
		}
	}
}

func granted(t *testing.T, r *report.Report, rounds int) {
	t.Helper()
	if len(r.Grants.Waits) != 2*len(report.Waits()) {
		t.Fatalf("the waits for rights are %+v", r.Grants.Waits)
	}
	for i, w := range r.Grants.Waits {
		n := rounds
		if w.AtOnce > 1 {
			n = w.AtOnce
		}
		measured(t, w.What, w.Took, n)
		if w.What != report.Waits()[i%len(report.Waits())] || w.Took.Min <= 0 {
			t.Errorf("%s took %v ms", w.What, w.Took.Min)
		}
	}
}

func atRest(t *testing.T, r *report.Report) {
	t.Helper()
	var kinds []string
	for _, rest := range r.Rest {
		what := fmt.Sprintf("%s %d", rest.Contestant, rest.Candidates)
		kinds = append(kinds, what)
		measured(t, what+" requests", rest.StandbyRequests, rest.Candidates-1)
		measured(t, what+" memory", rest.StandbyMemory, rest.Candidates-1)
		measured(t, what+" CPU", rest.StandbyCPU, rest.Candidates-1)
		if rest.LeaderRequests <= 0 || rest.AllRequests <= 0 || rest.LeaderMemory <= 0 || rest.LeaderCPU <= 0 || rest.StandbyMemory.Min <= 0 {
			t.Errorf("%s at rest: %+v", what, rest)
		}
		// Its standbys ask, so that counting is seen to work.
		if rest.Contestant == report.ClientGo && rest.StandbyRequests.Min <= 0 {
			t.Errorf("%s: a standby that asks nothing: %+v", what, rest.StandbyRequests)
		}
	}
	if want := []string{"leaseholder 2", "leaseholder 3", "client-go 2", "client-go 3"}; !slices.Equal(kinds, want) {
		t.Errorf("at rest are %q, want %q", kinds, want)
	}
}
