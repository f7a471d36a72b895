package bench

import (
	"cmp"
	"io"
	"slices"
	"time"

	"github.com/leaseholder-dev/leaseholder/test/bench/report"
)

// Options say what to run.
type Options struct {
	// Assets is a directory with kube-apiserver and etcd. Required.
	Assets string
	// Dir is where the contestants' executables and logs are left. Required.
	Dir string
	// Rounds is how many failovers of each kind and new elections one at a time are measured, and how many pods are
	// created one at a time; default 100 and 300, and 3 in a quick run.
	Rounds int
	// Parts are what is measured, of Parts; default all.
	Parts []string
	// Quick measures everything with few rounds, few candidates and short
	// windows: under a minute, to see that it can be done.
	Quick bool
	// Out receives lines of progress. Required.
	Out io.Writer
}

// The parts of a run.
const (
	// PartElection is failovers and elections at rest.
	PartElection = "election"
	// PartAdmission is what creating a pod costs with a webhook.
	PartAdmission = "admission"
	// PartGrants is how long a new election waits for its rights.
	PartGrants = "grants"
)

// Parts lists the parts in the order in which they are measured.
func Parts() []string { return []string{PartElection, PartAdmission, PartGrants} }

// measures says whether a part is to be measured.
func (o Options) measures(part string) bool {
	return len(o.Parts) == 0 || slices.Contains(o.Parts, part)
}

// timing is the durations of an election.
type timing struct{ lease, renew, retry time.Duration }

func (t timing) report() report.Timing {
	return report.Timing{LeaseDuration: t.lease.String(), RenewDeadline: t.renew.String(), RetryPeriod: t.retry.String()}
}

var (
	// defaults are client-go's, and Leaseholder's too.
	defaults = timing{15 * time.Second, 10 * time.Second, 2 * time.Second}
	// short is for elections whose crashes would take too long otherwise.
	short = timing{6 * time.Second, 4 * time.Second, time.Second}
	// shortest is for the crashes of quick runs, quick for what waits for no lease's
	// end in them: a busy machine must not take the lead from anybody.
	shortest = timing{5 * time.Second, 4 * time.Second, time.Second}
	quick    = timing{15 * time.Second, 10 * time.Second, time.Second}
)

// plan is how much of everything is done.
type plan struct {
	// floorRounds is how many rounds of the floor follow each graceful failover.
	floorRounds int
	graceful    []series
	crash       []series
	// crowd is graceful failovers and then crashes of the same elections of many
	// candidates.
	crowdGraceful, crowdCrash series
	rest                      rest
	admissions                admissions
	grants                    granting
}

// series is many failovers of one kind.
type series struct {
	kind       report.Kind
	contestant string
	rounds     int
	candidates int
	// elections is how many run side by side.
	elections int
	timing    timing
	// apart is how far from each other the leases of crashed leaders end.
	apart time.Duration
	// alone says that one failover happens at a time.
	alone bool
	// aftermath is how long after the new leader's first word requests still
	// count to the takeover.
	aftermath time.Duration
}

// rest is what is measured at rest.
type rest struct {
	sizes  []int
	timing timing
	// settle is how long an election is left alone before the window.
	settle, window time.Duration
}

// plan turns the options into what is done. A full one takes about ten minutes
// on two CPUs.
func (o Options) plan() plan {
	rounds := o.Rounds
	if o.Quick {
		if rounds == 0 {
			rounds = 3
		}
		few := series{rounds: rounds, candidates: 3, elections: 3, timing: shortest, apart: 50 * time.Millisecond, aftermath: 200 * time.Millisecond}
		crowd, graceful := few, few
		crowd.candidates, crowd.elections = 6, 3
		graceful.timing = quick
		return plan{
			floorRounds: 2,
			graceful:    []series{graceful.of(report.Graceful, report.Leaseholder), graceful.of(report.Graceful, report.ClientGo)},
			crash:       []series{few.of(report.Crash, report.Leaseholder), few.of(report.Crash, report.ClientGo)},

			crowdGraceful: crowd.of(report.Graceful, report.Leaseholder),
			crowdCrash:    crowd.of(report.Crash, report.Leaseholder),
			rest:          rest{sizes: []int{2, 3}, timing: quick, settle: time.Second, window: 5 * time.Second},
			admissions:    admissions{rounds: rounds, blocks: 2, largeBlocks: 1, perBlock: 4, atOnce: 4, kept: 10, handlerTime: "1x", handlerCount: "2"},
			grants:        granting{rounds: rounds, blocks: 1, atOnce: 4},
		}
	}
	created := cmp.Or(rounds, 300)
	if rounds == 0 {
		rounds = 100
	}
	usual := series{rounds: rounds, candidates: 3, timing: defaults, aftermath: 500 * time.Millisecond}
	graceful, crash := usual, usual
	graceful.elections = 10
	crash.elections, crash.apart = 25, 150*time.Millisecond
	crowd := series{
		rounds: rounds, candidates: 100, elections: 5, timing: short, apart: 500 * time.Millisecond, aftermath: 750 * time.Millisecond,
	}
	return plan{
		floorRounds:   2,
		graceful:      []series{graceful.of(report.Graceful, report.Leaseholder), graceful.of(report.Graceful, report.ClientGo)},
		crash:         []series{crash.of(report.Crash, report.Leaseholder), crash.of(report.Crash, report.ClientGo)},
		crowdGraceful: crowd.of(report.Graceful, report.Leaseholder),
		crowdCrash:    crowd.of(report.Crash, report.Leaseholder),
		rest:          rest{sizes: []int{2, 3, 10, 100}, timing: defaults, settle: 20 * time.Second, window: time.Minute},
		admissions: admissions{
			rounds: created, blocks: 5, largeBlocks: 2, perBlock: 64, atOnce: 32, kept: 1000, handlerTime: "0.2s", handlerCount: "5",
		},
		grants: granting{rounds: rounds, blocks: 3, atOnce: 100},
	}
}

// of is the series for one kind and contestant. Leaseholder's graceful failovers
// take milliseconds, which others' would disturb.
func (s series) of(kind report.Kind, contestant string) series {
	s.kind, s.contestant = kind, contestant
	s.alone = kind == report.Graceful && contestant == report.Leaseholder
	return s
}

func (s series) String() string {
	return string(s.kind) + ", " + s.contestant + ", " + plural(s.candidates, "candidate")
}
