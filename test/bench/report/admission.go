package report

import (
	"iter"
	"strconv"

	"github.com/leaseholder-dev/leaseholder/test/bench/stats"
)

// Admission is what creating a pod costs, and the webhook that is asked about it.
type Admission struct {
	// Handler is one request without the network and the API server.
	Handler []Handler `json:"handler"`
	// Creations are pods created through the API server.
	Creations []Creation `json:"creations"`
	// Memory is that of the webhooks' processes.
	Memory []Memory `json:"memory"`
	// Kept is how many injected pods there were in the end.
	Kept int `json:"kept"`
}

// The pods.
const (
	Small = "small"
	Large = "large"
	// First is a small one, the first of its election, which has no Lease yet.
	First = "first small"
)

// Handler is one benchmark of the admission handler.
type Handler struct {
	// Pod is the pod's size, What whose handler it is, or Unmarshal.
	Pod  string `json:"pod"`
	What string `json:"what"`
	// Took is in microseconds: each value the mean of one run.
	Took Sample `json:"microseconds"`
	// Allocations and Bytes are for each request.
	Allocations float64 `json:"allocations"`
	Bytes       float64 `json:"bytes"`
}

// What a Handler can be beside Leaseholder.
const (
	// Nothing is a handler that does nothing.
	Nothing = "nothing"
	// Unmarshal is no handler: the pod is read, and that is all.
	Unmarshal = "unmarshal"
)

// Creation is pods of one size, created with one contestant.
type Creation struct {
	// Contestant is NoWebhook, Idle or Leaseholder.
	Contestant string `json:"contestant"`
	// Pod is Small, First or Large.
	Pod string `json:"pod"`
	// AtOnce is how many were under way at a time.
	AtOnce int `json:"atOnce"`
	// Took is from before a request was sent until its answer was there.
	Took Sample `json:"milliseconds"`
	// CPU is what the webhook's process used for each, in milliseconds.
	CPU float64 `json:"milliCPUSeconds"`
}

// Memory is what a webhook's process has in memory, in MiB.
type Memory struct {
	Contestant string `json:"contestant"`
	// Rest is before it was asked, Load after many requests at once, Kept with
	// Admission.Kept injected pods in the cluster.
	Rest float64 `json:"restMiB"`
	Load float64 `json:"loadMiB"`
	Kept float64 `json:"keptMiB"`
}

// rows are those of the table; none of nil.
func (a *Admission) rows() []Row {
	if a == nil {
		return nil
	}
	one := func(what, who string, value float64) Row {
		return Row{What: what, Who: who, Values: stats.Of(value).Summary()}
	}
	var rows, used []Row
	for _, h := range a.Handler {
		row := Row{Values: h.Took.Summary}
		if h.What == Leaseholder && h.Pod == Small {
			// The rest is the server's, whatever it is asked.
			row = atMost(h.Took.Summary, "p50 beyond nothing", h.Took.P50-a.handler(h.Pod, Nothing), handlerBudget)
		}
		row.What, row.Who = "admission: handler, "+h.Pod+" pod (µs)", h.What
		rows = append(rows, row)
	}
	for _, c := range a.Creations {
		what := c.Pod + " pod, " + atOnce(c.AtOnce)
		rows = append(rows, Row{What: "admission: create a " + what + " (ms)", Who: c.Contestant, Values: c.Took.Summary})
		if c.Contestant == Leaseholder {
			idle := a.creation(Idle, c.Pod, c.AtOnce)
			rows = append(rows, Row{What: "admission: create a " + what + " (ms)", Who: Leaseholder + " / " + Idle, Values: ratio(c, idle)})
		}
		if c.Contestant != NoWebhook {
			used = append(used, one("admission: CPU of the webhook, "+what+" (ms)", c.Contestant, c.CPU))
		}
	}
	rows = append(rows, used...)
	for what, of := range a.memories() {
		for _, m := range a.Memory {
			rows = append(rows, one("admission: resident memory "+what+" (MiB)", m.Contestant, of(m)))
		}
	}
	return rows
}

// memories are when memory was looked at, in that order.
func (a *Admission) memories() iter.Seq2[string, func(Memory) float64] {
	return func(yield func(string, func(Memory) float64) bool) {
		_ = yield("at rest", func(m Memory) float64 { return m.Rest }) &&
			yield("under load", func(m Memory) float64 { return m.Load }) &&
			yield("with "+strconv.Itoa(a.Kept)+" injected pods", func(m Memory) float64 { return m.Kept })
	}
}

// creation is the one of a contestant, zero if there is none.
func (a *Admission) creation(contestant, pod string, atOnce int) Creation {
	for _, c := range a.Creations {
		if c.Contestant == contestant && c.Pod == pod && c.AtOnce == atOnce {
			return c
		}
	}
	return Creation{}
}

// ratio divides statistic by statistic: the p99 is that of the p99s.
func ratio(c, by Creation) stats.Summary {
	x, y := c.Took.Summary, by.Took.Summary
	return stats.Summary{
		N: x.N, Mean: x.Mean / y.Mean, Min: x.Min / y.Min, P50: x.P50 / y.P50, P90: x.P90 / y.P90, P99: x.P99 / y.P99, Max: x.Max / y.Max,
	}
}

// atOnce tells how many were under way.
func atOnce(n int) string {
	if n == 1 {
		return "one at a time"
	}
	return strconv.Itoa(n) + " at once"
}
