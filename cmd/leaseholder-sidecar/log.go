package main

import (
	"bytes"
	"log"
	"log/slog"
)

// logLibraries makes what libraries print a line of the log.
func logLibraries(to *slog.Logger) {
	log.SetFlags(0)
	log.SetOutput(printed{to})
}

type printed struct{ log *slog.Logger }

// Write implements io.Writer.
func (p printed) Write(line []byte) (int, error) {
	// The library of metrics says so once, and nobody can help it: see hideMemory.
	if !bytes.Contains(line, []byte("process_io_")) {
		p.log.Warn("a library says", "text", string(bytes.TrimSpace(line)))
	}
	return len(line), nil
}
