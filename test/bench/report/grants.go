package report

import (
	"fmt"
	"strings"
)

// Grants is how long a new election waits for its rights.
type Grants struct {
	Waits []Wait `json:"waits"`
}

// Wait is one kind of wait.
type Wait struct {
	// What is one of Waits.
	What string `json:"what"`
	// AtOnce is how many elections were new at a time.
	AtOnce int    `json:"atOnce"`
	Took   Sample `json:"milliseconds"`
}

// What a Wait can be.
const (
	// ElectionUsable is from the answer to the creation of an election's first pod until
	// the pod's account has read the Lease.
	ElectionUsable = "from the first pod's creation until its account may use the Lease"
	// ThreeWritten is the floor: a Lease, a Role and a RoleBinding written one after the
	// other by one client with the webhook's rights, until the last is answered.
	ThreeWritten = "three writes with the webhook's rights, and nothing else"
	// ThreeUsable is the same until the account has read the Lease.
	ThreeUsable = "three writes, until the account may use the Lease"
)

// Waits lists them in the order of the report.
func Waits() []string { return []string{ElectionUsable, ThreeWritten, ThreeUsable} }

// rows are those of the table; none of nil.
func (g *Grants) rows() []Row {
	if g == nil {
		return nil
	}
	var rows []Row
	for _, w := range g.Waits {
		who := "three writes"
		if w.What == ElectionUsable {
			who = Leaseholder
		}
		rows = append(rows, Row{What: "grants: " + w.What + ", " + atOnce(w.AtOnce) + " (ms)", Who: who, Values: w.Took.Summary})
	}
	return rows
}

// document is the figures for users.
func (g *Grants) document() string {
	var b strings.Builder
	var columns []int
	for _, w := range g.Waits {
		if w.What == ElectionUsable {
			columns = append(columns, w.AtOnce)
		}
	}
	b.WriteString("| a new election, p50 / p99 |")
	for _, n := range columns {
		fmt.Fprintf(&b, " %s (%d) |", atOnce(n), g.wait(ElectionUsable, n).Took.N)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(columns)) + "\n")
	for _, what := range Waits() {
		fmt.Fprintf(&b, "| %s |", what)
		for _, n := range columns {
			took := g.wait(what, n).Took
			fmt.Fprintf(&b, " %s / %s ms |", number(took.P50), number(took.P99))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// wait is the one of a kind, zero if there is none.
func (g *Grants) wait(what string, atOnce int) Wait {
	for _, w := range g.Waits {
		if w.What == what && w.AtOnce == atOnce {
			return w
		}
	}
	return Wait{}
}
