package report

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// What stands between these lines of a document is written by WriteDocument.
const (
	documentBegin = "<!-- written by \"make bench PARTS=admission WRITE=1\" -->\n"
	documentEnd   = "<!-- end of what is written -->\n"
)

// WriteDocument puts the figures of admission into a Markdown file, where others
// stood before.
func (r *Report) WriteDocument(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	before, rest, begun := strings.Cut(string(content), documentBegin)
	_, after, ended := strings.Cut(rest, documentEnd)
	if !begun || !ended {
		return fmt.Errorf("write the figures into %q: it has no lines %q and %q", path, strings.TrimSpace(documentBegin), strings.TrimSpace(documentEnd))
	}
	return place(path, []byte(before+documentBegin+r.document()+documentEnd+after))
}

// document is the figures of admission for users.
func (r *Report) document() string {
	var b strings.Builder
	a, m := r.Admission, r.Machine
	fmt.Fprintf(&b, "\nOne run on %s, with Kubernetes %s, %s, %d CPUs (%s), of which other work took %.0f %% before the run.\n\n",
		r.Begun.UTC().Format(time.DateOnly), m.Kubernetes, m.Store, m.CPUs, m.Model, percent*m.BusyBefore)
	b.WriteString("| creating a pod, p50 / p99 | no webhook | a webhook that does nothing | Leaseholder | Leaseholder / nothing |\n| --- | --- | --- | --- | --- |\n")
	for _, c := range a.Creations {
		if c.Contestant != Leaseholder {
			continue
		}
		none, idle := a.creation(NoWebhook, c.Pod, c.AtOnce), a.creation(Idle, c.Pod, c.AtOnce)
		by := ratio(c, idle)
		fmt.Fprintf(&b, "| %s, %s (%d each) | %s | %s | %s | %s / %s |\n", c.Pod, atOnce(c.AtOnce), c.Took.N,
			milliseconds(none), milliseconds(idle), milliseconds(c), number(by.P50), number(by.P99))
	}
	b.WriteString("\n| one request in the handler | time | beyond nothing | allocations | beside nothing | beside reading the pod |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, h := range a.Handler {
		if h.What != Leaseholder {
			continue
		}
		fmt.Fprintf(&b, "| %s pod | %s µs | %s µs | %.0f, %.0f KB | %s × | %s × |\n", h.Pod, number(h.Took.P50), number(h.Took.P50-a.handler(h.Pod, Nothing)), h.Allocations, h.Bytes/1000,
			number(h.Took.P50/a.handler(h.Pod, Nothing)), number(h.Took.P50/a.handler(h.Pod, Unmarshal)))
	}
	b.WriteString("\n| the webhook's process | does nothing | Leaseholder |\n| --- | --- | --- |\n")
	for what, of := range a.memories() {
		fmt.Fprintf(&b, "| resident memory %s |", what)
		for _, contestant := range []string{Idle, Leaseholder} {
			fmt.Fprintf(&b, " %s MiB |", number(of(a.memory(contestant))))
		}
		b.WriteString("\n")
	}
	for _, c := range a.Creations {
		if c.Contestant == Leaseholder {
			fmt.Fprintf(&b, "| CPU for a %s pod, %s | %s ms | %s ms |\n", c.Pod, atOnce(c.AtOnce),
				number(a.creation(Idle, c.Pod, c.AtOnce).CPU), number(c.CPU))
		}
	}
	return b.String() + "\n"
}

// milliseconds is the p50 and the p99.
func milliseconds(c Creation) string { return number(c.Took.P50) + " / " + number(c.Took.P99) + " ms" }

// handler is the median of one benchmark, zero if there is none.
func (a *Admission) handler(pod, what string) float64 {
	for _, h := range a.Handler {
		if h.Pod == pod && h.What == what {
			return h.Took.P50
		}
	}
	return 0
}

// memory is that of a contestant's webhook, zero if there is none.
func (a *Admission) memory(contestant string) Memory {
	for _, m := range a.Memory {
		if m.Contestant == contestant {
			return m
		}
	}
	return Memory{}
}
