package main

import (
	"context"
	"strings"

	"k8s.io/client-go/rest"
)

// knownWarning is what API servers from 1.33 on say to every request about Endpoints. They
// are the lock of some elections, and nobody who reads the log can change that.
const knownWarning = "v1 Endpoints is deprecated"

// apiWarnings passes on what the API server warns of, but for that.
type apiWarnings struct {
	next rest.WarningHandlerWithContext
}

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext.
func (w apiWarnings) HandleWarningHeaderWithContext(ctx context.Context, code int, agent, text string) {
	if !strings.Contains(text, knownWarning) {
		w.next.HandleWarningHeaderWithContext(ctx, code, agent, text)
	}
}
