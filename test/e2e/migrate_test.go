package e2e

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/endpoints"
	"github.com/leaseholder-dev/leaseholder/test/cluster"
	"github.com/leaseholder-dev/leaseholder/test/contender"
	"github.com/leaseholder-dev/leaseholder/test/product"
)

// ledger is the election, and the workload, of the example.
const ledger = "ledger"

// loadElector2016 brings the sidecar of 2016 to the nodes, as the example names it.
func loadElector2016(s *space) {
	s.Helper()
	path, err := contender.BuildElector2016(s.ctx, s.TempDir())
	s.must(err)
	const inside = "/elector"
	s.must(s.prod.Cluster.LoadImage(s.ctx, cluster.Image{
		Name:       "docker.io/library/leader-elector:0.5",
		Files:      []cluster.File{{Path: inside, Source: path, Mode: 0o755}},
		Entrypoint: []string{inside},
		User:       "65532:65532",
	}))
}

// heldEndpoints follows the record in an Endpoints object.
type heldEndpoints struct {
	*space
	events  <-chan lock.Record
	records []lock.Record
}

func followEndpoints(s *space, name string) *heldEndpoints {
	s.Helper()
	w, err := s.client.CoreV1().Endpoints(s.name).Watch(s.ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, name).String(),
	})
	s.must(err)
	s.Cleanup(w.Stop)
	records := make(chan lock.Record, 10_000)
	go func() {
		defer close(records)
		for event := range w.ResultChan() {
			if e, ok := event.Object.(*corev1.Endpoints); ok { //nolint:staticcheck // what 2016 elects by
				if r, err := endpoints.Decode(e.Annotations); err == nil {
					records <- r
				}
			}
		}
	}()
	return &heldEndpoints{space: s, events: records}
}

// until reads on to a record that is wanted.
func (h *heldEndpoints) until(what string, wanted func(lock.Record) bool) lock.Record {
	h.Helper()
	for {
		select {
		case r, ok := <-h.events:
			if !ok {
				h.Fatalf("%s: the watch has ended", what)
			}
			h.records = append(h.records, r)
			if wanted(r) {
				return r
			}
		case <-h.ctx.Done():
			h.Fatalf("%s: it did not come; there was %+v", what, h.records)
		}
	}
}

// judge wants each to have let go, or to have been silent for as long as it asked to be
// respected, before another took over.
func (h *heldEndpoints) judge() (changes int) {
	h.Helper()
	var last lock.Record
	for _, r := range h.records {
		if r.Holder != "" && last.Holder != "" && r.Holder != last.Holder {
			changes++
			// Whole seconds, of the one clock that all nodes have.
			if waited := r.Acquired.Sub(last.Renewed); waited < last.Duration-ahead {
				h.Errorf("%s took over from %s, %s after its last renewal, which was for %s", r.Holder, last.Holder, waited, last.Duration)
			}
		}
		if r.Token < last.Token {
			h.Errorf("token %d of %q follows %d of %q", r.Token, r.Holder, last.Token, last.Holder)
		}
		last = r
	}
	return changes
}

// TestMigratingFromTheElectorOf2016 takes the steps of docs/migrate-from-leader-elector.md.
func TestMigratingFromTheElectorOf2016(t *testing.T) {
	s := newSpace(t)
	loadElector2016(s)
	h := followEndpoints(s, ledger)
	s.apply("examples/migrate-from-leader-elector/before.yaml")
	s.rolledOut("deployment/" + ledger)
	old := h.until("a leader of 2016", func(r lock.Record) bool { return r.Holder != "" })
	if old.Stamped() {
		t.Fatalf("%q is one of ours", old.Holder)
	}

	_, err := s.prod.Kubectl(s.ctx, "-n", s.name, "label", "endpoints", ledger,
		"app.kubernetes.io/managed-by=leaseholder", "leaseholder.dev/election="+ledger)
	s.must(err)
	s.apply("examples/migrate-from-leader-elector/after.yaml")
	s.rolledOut("deployment/" + ledger)
	h.until("a leader of ours", lock.Record.Stamped)

	// The rest is as with any election: labels, status, and orders.
	report := s.history(ledger)
	first := s.await(report, 0, func(e product.Entry) bool { return e.Stamped() })
	s.labelled(ledger, s.identity(first).Pod)
	status, err := s.prod.Plugin(s.ctx, "-n", s.name, "status")
	s.must(err)
	t.Logf("after the migration:\n%s", status)
	from := report.Len()
	_, err = s.prod.Plugin(s.ctx, "-n", s.name, "step-down", ledger)
	s.must(err)
	next := s.await(report, from, product.HeldByOther(first.Holder))
	s.labelled(ledger, s.identity(next).Pod)

	// And back.
	s.apply("examples/migrate-from-leader-elector/before.yaml")
	s.rolledOut("deployment/" + ledger)
	h.until("a leader of 2016 again", func(r lock.Record) bool { return r.Holder != "" && !r.Stamped() })
	changes := h.judge()
	told := time.Duration(0)
	for _, r := range h.records {
		told = max(told, r.Duration)
	}
	t.Logf("%d records, %d times another took over from a silent one, durations up to %s", len(h.records), changes, told)
}
