package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Table writes the report for people to read.
func (r *Report) Table(w io.Writer) error {
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "Leaseholder measured, %s\n", r.Begun.UTC().Format(time.DateOnly))
	fmt.Fprintf(&b, "Kubernetes %s, %s, %s; %d CPUs (%s), %s; other work took %.0f %% of them before the run\n",
		m.Kubernetes, m.Store, m.Go, m.CPUs, m.Model, m.System, percent*m.BusyBefore)
	if r.Quick {
		b.WriteString("A quick run: these values mean nothing, only that each could be measured.\n")
	}
	b.WriteString("\n")
	missed := r.rows(&b)
	if len(r.Failovers)+len(r.Rest) > 0 {
		b.WriteString("\nDurations (lease/renew/retry) and elections side by side:\n")
	}
	for _, f := range r.Failovers {
		fmt.Fprintf(&b, "  %s, %s, %d candidates: %s, %d at a time\n", f.Kind, f.Contestant, f.Candidates, f.Timing, f.Elections)
	}
	for _, rest := range r.Rest {
		fmt.Fprintf(&b, "  at rest, %s, %d candidates: %s, for %.0f s\n", rest.Contestant, rest.Candidates, rest.Timing, rest.WindowSeconds)
	}
	b.WriteString("\nHow busy the CPUs were, with this run's work and all other:\n")
	for _, p := range r.Phases {
		fmt.Fprintf(&b, "  %s: %.0f s, %.0f %%\n", p.Name, p.Seconds, percent*p.Busy)
	}
	if len(missed) == 0 {
		b.WriteString("\nAll budgets are kept.\n")
	} else {
		fmt.Fprintf(&b, "\nBudgets missed: %d\n", len(missed))
		for _, m := range missed {
			fmt.Fprintf(&b, "  %s\n", m)
		}
	}
	_, err := io.WriteString(w, b.String())
	if err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

const percent = 100

// rows writes the table itself, and gives the budgets that were missed.
func (r *Report) rows(b *strings.Builder) (missed []string) {
	// A strings.Builder takes every write.
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "what\tof\tcandidates\tn\tp50\tp99\tmax\tbudget\twithin")
	before := ""
	for _, row := range r.Rows() {
		what := row.What
		if what == before {
			what = ""
		}
		before = row.What
		candidates, within := "", ""
		if row.Candidates > 0 {
			candidates = strconv.Itoa(row.Candidates)
		}
		if row.Budget != "" {
			within = "yes"
			if !row.Within {
				within = "NO"
				name := strings.TrimSuffix(fmt.Sprintf("%s, %s, %s candidates", row.What, row.Who, candidates), ",  candidates")
				missed = append(missed, name+": "+row.Budget)
			}
		}
		v := row.Values
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n",
			what, row.Who, candidates, v.N, number(v.P50), number(v.P99), number(v.Max), row.Budget, within)
	}
	_ = t.Flush()
	return missed
}
