package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// heartbeat is how often a quiet stream carries a comment, so that both ends
// notice when the other has gone.
const heartbeat = 15 * time.Second

// stream sends server-sent events (WHATWG HTML, section 9.2) until the client
// or the process goes.
func stream(w http.ResponseWriter, r *http.Request, settings config.Settings, source Source) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		status, changed := source.Status()
		// Who reads nothing for so long is gone. Not every writer has deadlines.
		_ = control.SetWriteDeadline(time.Now().Add(heartbeat))
		if err := writeEvent(w, document(settings, status)); err != nil {
			return
		}
		for waiting := true; waiting; {
			if control.Flush() != nil {
				return
			}
			select {
			case <-r.Context().Done():
				return
			case <-changed:
				waiting = false
			case <-ticker.C:
				_ = control.SetWriteDeadline(time.Now().Add(heartbeat))
				if _, err := io.WriteString(w, ":\n\n"); err != nil {
					return
				}
			}
		}
	}
}

func writeEvent(w io.Writer, d Document) error {
	data, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encode the status document: %w", err)
	}
	if _, err := fmt.Fprintf(w, "event: leader\ndata: %s\n\n", data); err != nil {
		return fmt.Errorf("send an event: %w", err)
	}
	return nil
}
