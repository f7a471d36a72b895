package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/leaseholder-dev/leaseholder/test/bench/report"
	"github.com/leaseholder-dev/leaseholder/test/bench/stats"
)

// atRest measures elections of all sizes in which nothing happens, of both
// contestants, side by side.
func (f *field) atRest(ctx context.Context, r rest) (results []report.Rest, err error) {
	var elections []*election
	defer func() { err = joined(err, stopAll(ctx, elections)) }()
	for _, contestant := range []string{report.Leaseholder, report.ClientGo} {
		for _, size := range r.sizes {
			one := series{contestant: contestant, timing: r.timing, candidates: size, elections: 1}
			started, err := f.startElections(ctx, one)
			if err != nil {
				return nil, err
			}
			elections = append(elections, started...)
		}
	}
	if err := pause(ctx, r.settle); err != nil {
		return nil, err
	}
	before := make([]standing, len(elections))
	for i, e := range elections {
		if before[i], err = e.standing(ctx); err != nil {
			return nil, err
		}
	}
	if _, err := f.plane.Audit.Requests(ctx); err != nil {
		return nil, err
	}
	from, begun := time.Now(), now()
	if err := pause(ctx, r.window); err != nil {
		return nil, err
	}
	to, window := time.Now(), now()-begun
	after := make([]standing, len(elections))
	for i, e := range elections {
		if after[i], err = e.standing(ctx); err != nil {
			return nil, err
		}
	}
	requests, err := f.plane.Audit.Requests(ctx)
	if err != nil {
		return nil, err
	}
	for i, e := range elections {
		if before[i].leader != after[i].leader {
			return nil, fmt.Errorf("the election %q of %s did not rest: its leader changed", e.name, e.contestant)
		}
		mine := map[string]int{}
		for _, q := range requests {
			if q.Lease == e.name && !q.At.Before(from) && q.At.Before(to) {
				mine[q.User]++
			}
		}
		results = append(results, e.rest(before[i], after[i], mine, window))
	}
	return results, nil
}

// standing is what an election's processes have used so far.
type standing struct {
	leader *candidate
	cpu    []time.Duration
	at     []time.Duration
	memory []float64
}

func (e *election) standing(ctx context.Context) (standing, error) {
	s := standing{}
	var err error
	if s.leader, _, err = e.await(ctx, nil, patience); err != nil {
		return s, err
	}
	for _, c := range e.candidates {
		cpu, err := cpuTime(c.process.PID())
		if err != nil {
			return s, err
		}
		memory, err := residentMiB(c.process.PID())
		if err != nil {
			return s, err
		}
		s.cpu, s.at, s.memory = append(s.cpu, cpu), append(s.at, now()), append(s.memory, memory)
	}
	return s, nil
}

// rest compares two standings; requests are those between them, by user.
func (e *election) rest(before, after standing, requests map[string]int, window time.Duration) report.Rest {
	out := report.Rest{
		Contestant: e.contestant, Candidates: len(e.candidates), Timing: e.timing.report(), WindowSeconds: window.Seconds(),
	}
	const milli = 1000
	perMinute := float64(time.Minute) / float64(window)
	var asked, memory, cpu []float64
	all := 0
	for slot := range e.candidates {
		n := requests[user(slot)]
		all += n
		used := milli * float64(after.cpu[slot]-before.cpu[slot]) / float64(after.at[slot]-before.at[slot])
		if slot == after.leader.slot {
			out.LeaderRequests, out.LeaderMemory, out.LeaderCPU = float64(n)*perMinute, after.memory[slot], used
			continue
		}
		asked, memory, cpu = append(asked, float64(n)*perMinute), append(memory, after.memory[slot]), append(cpu, used)
	}
	out.AllRequests = float64(all) * perMinute / float64(len(e.candidates))
	out.StandbyRequests, out.StandbyMemory = report.SampleOf(stats.Of(asked...)), report.SampleOf(stats.Of(memory...))
	out.StandbyCPU = report.SampleOf(stats.Of(cpu...))
	return out
}
