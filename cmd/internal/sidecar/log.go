package sidecar

import (
	"bytes"
	"log"
	"log/slog"

	"github.com/leaseholder-dev/leaseholder/sidecar/api"
)

// logLibraries makes what libraries print a line of the log, until restore is called.
func logLibraries(to *slog.Logger) (restore func()) {
	flags, output := log.Flags(), log.Writer()
	log.SetFlags(0)
	log.SetOutput(printed{to})
	return func() {
		log.SetFlags(flags)
		log.SetOutput(output)
	}
}

type printed struct{ log *slog.Logger }

// Write implements io.Writer.
func (p printed) Write(line []byte) (int, error) {
	// The library of metrics says so once, and nobody can help it: see hideMemory.
	if !bytes.Contains(line, []byte(api.Unreadable)) {
		p.log.Warn("a library says", "text", string(bytes.TrimSpace(line)))
	}
	return len(line), nil
}
