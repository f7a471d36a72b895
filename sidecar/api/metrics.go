package api

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	vm "github.com/VictoriaMetrics/metrics"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// Unreadable begins the names of the metrics that the library would give as 0: a
// process that hides its memory from others can't read its own /proc/self/io.
const Unreadable = "process_io_"

// metrics serves the process's own counters and what the candidate knows now.
// VictoriaMetrics' library costs the binary a tenth of what Prometheus' does.
func metrics(settings config.Settings, source Source) http.HandlerFunc {
	set := vm.NewSet()
	gauge := func(name string, value func() float64) {
		set.NewGauge(fmt.Sprintf("%s{election=%q}", name, settings.Election), value)
	}
	gauge("leaseholder_is_leader", func() float64 {
		if s, _ := source.Status(); s.IsLeader {
			return 1
		}
		return 0
	})
	gauge("leaseholder_valid_seconds", func() float64 {
		s, _ := source.Status()
		return s.ValidFor.Seconds()
	})
	gauge("leaseholder_fencing_token", func() float64 {
		s, _ := source.Status()
		return float64(s.Token)
	})
	gauge("leaseholder_last_contact_timestamp_seconds", func() float64 {
		s, _ := source.Status()
		if s.Contact.IsZero() {
			return 0
		}
		return float64(s.Contact.UnixMilli()) / float64(time.Second/time.Millisecond)
	})
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		set.WritePrometheus(w)
		var process bytes.Buffer
		vm.WritePrometheus(&process, true)
		for line := range bytes.Lines(process.Bytes()) {
			if !bytes.HasPrefix(line, []byte(Unreadable)) {
				_, _ = w.Write(line) // a client that has gone is the only failure
			}
		}
	}
}
