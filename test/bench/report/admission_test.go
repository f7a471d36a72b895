package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func exampleAdmission() *Admission {
	creation := func(who string, atOnce int, took, cpu float64) Creation {
		return Creation{Contestant: who, Pod: Small, AtOnce: atOnce, Took: around(took), CPU: cpu}
	}
	return &Admission{
		Handler: []Handler{
			{Pod: Small, What: Leaseholder, Took: around(90), Allocations: 300, Bytes: 30_000},
			{Pod: Small, What: Nothing, Took: around(45), Allocations: 80, Bytes: 10_000},
			{Pod: Small, What: Unmarshal, Took: around(30), Allocations: 70, Bytes: 6_000},
			{Pod: Large, What: Leaseholder, Took: around(9000), Allocations: 9000, Bytes: 3_000_000},
			{Pod: Large, What: Nothing, Took: around(4500)},
			{Pod: Large, What: Unmarshal, Took: around(4500)},
		},
		Creations: []Creation{
			creation(NoWebhook, 1, 2, 0), creation(Idle, 1, 4, 0.25), creation(Leaseholder, 1, 5, 0.5),
			creation(NoWebhook, 32, 20, 0), creation(Idle, 32, 40, 0.25), creation(Leaseholder, 32, 60, 0.5),
		},
		Memory: []Memory{{Idle, 20, 25, 26}, {Leaseholder, 30, 40, 45}},
		Kept:   1000,
	}
}

func exampleGrants() *Grants {
	var g Grants
	for _, n := range []int{1, 100} {
		scale := 1 + float64(n/100)*9
		g.Waits = append(g.Waits, Wait{ElectionUsable, n, around(30 * scale)}, Wait{ThreeWritten, n, around(10 * scale)}, Wait{ThreeUsable, n, around(20 * scale)})
	}
	return &g
}

func TestGrantsStandInTheTable(t *testing.T) {
	got := strings.Join(strings.Fields(table(t, &Report{Grants: exampleGrants()})), " ")
	for _, want := range []string{
		"grants: from the first pod's creation until its account may use the Lease, one at a time (ms) leaseholder 100 29.7 44.4 44.7",
		"grants: three writes, until the account may use the Lease, 100 at once (ms) three writes 100 198 296 298",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}

func TestAdmissionStandsInTheTable(t *testing.T) {
	got := strings.Join(strings.Fields(table(t, example())), " ")
	for _, want := range []string{
		"admission: handler, small pod (µs) leaseholder 100 89.1 133 134 p50 beyond nothing ≤ 100 yes",
		"admission: create a small pod, one at a time (ms) no-webhook 100 1.98 2.96 2.98 idle 100 3.96 5.92 5.96 leaseholder 100 4.95 7.4 7.45",
		"leaseholder / idle 100 1.25 1.25 1.25",
		"admission: create a small pod, 32 at once (ms)",
		"leaseholder / idle 100 1.5 1.5 1.5",
		"admission: CPU of the webhook, small pod, one at a time (ms) idle 1 0.25 0.25 0.25 leaseholder 1 0.5 0.5 0.5",
		"admission: resident memory at rest (MiB) idle 1 20 20 20 leaseholder 1 30 30 30",
		"admission: resident memory with 1000 injected pods (MiB) idle 1 26 26 26 leaseholder 1 45 45 45",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, table(t, example()))
		}
	}
}

func TestAPartAloneIsAReport(t *testing.T) {
	r := &Report{Admission: exampleAdmission()}
	if got := table(t, r); strings.Contains(got, "the floor") || !strings.Contains(got, "create a small pod") {
		t.Errorf("admission alone:\n%s", got)
	}
	r = example()
	r.Admission = nil
	if got := table(t, r); !strings.Contains(got, "the floor") || strings.Contains(got, "admission") {
		t.Errorf("elections alone:\n%s", got)
	}
}

func TestADocumentGetsItsFigures(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	begin, grants := fmt.Sprintf(documentBegin, "admission"), fmt.Sprintf(documentBegin, "grants")
	stale := "# Before\n\n" + begin + "stale figures\n" + documentEnd + "\nbetween\n\n" + grants + "stale figures\n" + documentEnd + "\nafter\n"
	if err := os.WriteFile(path, []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what was written can be written again
		if err := example().WriteDocument(path); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	for _, want := range []string{
		"| small, one at a time (100 each) | 1.98 / 2.96 ms | 3.96 / 5.92 ms | 4.95 / 7.4 ms | 1.25 / 1.25 |",
		"| small, 32 at once (100 each) |",
		"| small pod | 89.1 µs | 44.5 µs | 300, 30 KB | 2 × | 3 × |",
		"| resident memory at rest | 20 MiB | 30 MiB |",
		"| CPU for a small pod, one at a time | 0.25 ms | 0.5 ms |",
		"| a new election, p50 / p99 | one at a time (100) | 100 at once (100) |\n| --- | --- | --- |\n| " + ElectionUsable + " | 29.7 / 44.4 ms | 297 / 444 ms |\n",
		"| " + ThreeWritten + " | 9.9 / 14.8 ms | 99 / 148 ms |\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in:\n%s", want, page)
		}
	}
	if !strings.HasPrefix(page, "# Before\n\n"+begin) || !strings.HasSuffix(page, documentEnd+"\nafter\n") || strings.Contains(page, "stale figures") || !strings.Contains(page, documentEnd+"\nbetween\n\n"+grants) {
		t.Errorf("what stands around did not stay:\n%s", page)
	}
	if err := os.WriteFile(path, []byte("# Before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := example().WriteDocument(path); err == nil {
		t.Error("a document without a place is no error")
	}
}
