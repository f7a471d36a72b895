package report

import (
	"math"
	"slices"
	"strconv"

	"github.com/leaseholder-dev/leaseholder/test/bench/stats"
)

// The budgets.
const (
	// floors is how many times the floor's median a graceful failover may take.
	floors = 3
	// lateBudget is in milliseconds beyond the lease's end.
	lateBudget = 100
	// conflictBudget is for each takeover.
	conflictBudget = 3
	// sizeBudget is in bytes, memoryBudget in MiB.
	sizeBudget   = 12_000_000
	memoryBudget = 14
	// handlerBudget is in microseconds, for a small pod, beyond what a request costs
	// that nothing is done about.
	handlerBudget = 100
)

// Row is one line of the table.
type Row struct {
	// What is measured, with its unit, and of whom.
	What, Who string
	// Candidates is their number, 0 where it does not matter.
	Candidates int
	Values     stats.Summary
	// Budget is the bound, empty where there is none; Within says whether it
	// is kept.
	Budget string
	Within bool
}

// Rows are the report's values in the table's order.
func (r *Report) Rows() []Row {
	var rows []Row
	if r.Floor.N > 0 {
		rows = append(rows, Row{What: "a write, its event, a write (ms)", Who: "the floor", Values: r.Floor.Summary})
	}
	add := func(what string, of func(Failover) (Row, bool)) {
		for _, f := range r.Failovers {
			if row, ok := of(f); ok {
				row.What, row.Who, row.Candidates = what, f.Contestant, f.Candidates
				rows = append(rows, row)
			}
		}
	}
	kind := func(k Kind, of func(Failover) Row) func(Failover) (Row, bool) {
		return func(f Failover) (Row, bool) {
			if f.Kind != k {
				return Row{}, false
			}
			row := of(f)
			if f.Contestant != Leaseholder {
				row.Budget = ""
			}
			return row, true
		}
	}
	conflicts := func(f Failover) Row { return atMost(f.Conflicts.Summary, "p99", f.Conflicts.P99, conflictBudget) }
	reads := func(f Failover) Row { return Row{Values: f.Reads.Summary} }

	add("graceful: SIGTERM to new leader (ms)", kind(Graceful, func(f Failover) Row {
		row := atMost(f.Total.Summary, "p50", f.Total.P50, floors*r.Floor.P50)
		if f.Candidates > usual {
			// The budget is for an election of the usual size: a hundred candidates
			// that all hear of a release share this machine's CPUs.
			row.Budget = ""
		}
		return row
	}))
	add("graceful: release seen to new leader (ms)", kind(Graceful, func(f Failover) Row { return Row{Values: f.Late.Summary} }))
	add("graceful: conflicting writes a takeover", kind(Graceful, conflicts))
	add("graceful: reads a takeover", kind(Graceful, reads))
	add("crash: beyond the lease's end (ms)", kind(Crash, func(f Failover) Row {
		return atMost(f.Late.Summary, "p99", f.Late.P99, lateBudget)
	}))
	add("crash: SIGKILL to new leader (ms)", kind(Crash, func(f Failover) Row { return Row{Values: f.Total.Summary} }))
	add("crash: conflicting writes a takeover", kind(Crash, conflicts))
	add("crash: reads a takeover", kind(Crash, reads))
	return slices.Concat(rows, r.restRows(), r.programRows(), r.Admission.rows(), r.Grants.rows())
}

// usual is the number of candidates that the budget of a graceful failover is for.
const usual = 3

func (r *Report) restRows() []Row {
	var rows []Row
	add := func(what string, of func(Rest) Row) {
		for _, rest := range r.Rest {
			row := of(rest)
			row.What, row.Who, row.Candidates = what, rest.Contestant, rest.Candidates
			if rest.Contestant != Leaseholder {
				row.Budget = ""
			}
			rows = append(rows, row)
		}
	}
	one := func(v float64) stats.Summary { return stats.Of(v).Summary() }
	add("rest: requests a minute, a candidate's share", func(rest Rest) Row { return Row{Values: one(rest.AllRequests)} })
	add("rest: requests a minute, leader", func(rest Rest) Row { return Row{Values: one(rest.LeaderRequests)} })
	add("rest: requests a minute, standby", func(rest Rest) Row {
		return atMost(rest.StandbyRequests.Summary, "max", rest.StandbyRequests.Max, 0)
	})
	add("rest: resident memory, leader (MiB)", func(rest Rest) Row {
		return atMost(one(rest.LeaderMemory), "max", rest.LeaderMemory, memoryBudget)
	})
	add("rest: resident memory, standby (MiB)", func(rest Rest) Row {
		return atMost(rest.StandbyMemory.Summary, "max", rest.StandbyMemory.Max, memoryBudget)
	})
	add("rest: CPU, leader (thousandths)", func(rest Rest) Row { return Row{Values: one(rest.LeaderCPU)} })
	add("rest: CPU, standby (thousandths)", func(rest Rest) Row { return Row{Values: rest.StandbyCPU.Summary} })
	return rows
}

func (r *Report) programRows() []Row {
	const mega = 1e6
	var rows []Row
	for _, p := range r.Programs {
		size := float64(p.Bytes) / mega
		row := atMost(stats.Of(size).Summary(), "", size, sizeBudget/mega)
		row.What, row.Who = "executable, stripped (MB)", p.Contestant
		if p.Contestant != Leaseholder {
			row.Budget = ""
		}
		rows = append(rows, row)
	}
	return rows
}

// atMost is a row whose named statistic has a bound.
func atMost(s stats.Summary, statistic string, value, bound float64) Row {
	budget := "≤ " + number(bound)
	if statistic != "" {
		budget = statistic + " " + budget
	}
	return Row{Values: s, Budget: budget, Within: value <= bound}
}

// number shows three digits, or all before the point.
func number(v float64) string {
	const digits, allBefore = 3, 1000
	if rounded := math.Round(v); max(v, -v) >= allBefore {
		return strconv.FormatFloat(rounded, 'f', 0, 64)
	}
	// Never with an exponent, which %g gives to what rounds to more than its digits.
	short, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	return strconv.FormatFloat(short, 'f', -1, 64)
}
