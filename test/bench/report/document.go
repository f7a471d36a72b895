package report

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// What stands between these lines of a document is written by WriteDocument, for each
// part.
const (
	documentBegin = "<!-- written by \"make bench PARTS=%s WRITE=1\" -->\n"
	documentEnd   = "<!-- end of what is written -->\n"
)

// WriteDocument puts the figures of admission and of grants, as far as they were
// measured, into a Markdown file, where others stood before.
func (r *Report) WriteDocument(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	content := string(raw)
	for _, part := range []struct {
		name     string
		measured bool
		figures  func() string
	}{
		{"admission", r.Admission != nil, r.Admission.document},
		{"grants", r.Grants != nil, r.Grants.document},
	} {
		if !part.measured {
			continue
		}
		if content, err = replaced(content, part.name, "\n"+r.provenance()+part.figures()+"\n"); err != nil {
			return fmt.Errorf("write the figures into %q: %w", path, err)
		}
	}
	return place(path, []byte(content))
}

// replaced puts the figures of a part where others stood before.
func replaced(content, part, figures string) (string, error) {
	begin := fmt.Sprintf(documentBegin, part)
	before, rest, begun := strings.Cut(content, begin)
	_, after, ended := strings.Cut(rest, documentEnd)
	if !begun || !ended {
		return "", fmt.Errorf("it has no lines %q and %q", strings.TrimSpace(begin), strings.TrimSpace(documentEnd))
	}
	return before + begin + figures + documentEnd + after, nil
}

// provenance says where figures are from.
func (r *Report) provenance() string {
	m := r.Machine
	return fmt.Sprintf("One run on %s, with Kubernetes %s, %s, %d CPUs (%s), of which other work took %.0f %% before the run.\n\n",
		r.Begun.UTC().Format(time.DateOnly), m.Kubernetes, m.Store, m.CPUs, m.Model, percent*m.BusyBefore)
}

// document is the figures for users.
func (a *Admission) document() string {
	var b strings.Builder
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
	return b.String()
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
