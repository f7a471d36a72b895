package main

import (
	"context"
	"slices"
	"testing"
)

// heard is what is passed on.
type heard []string

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext.
func (h *heard) HandleWarningHeaderWithContext(_ context.Context, _ int, _, text string) {
	*h = append(*h, text)
}

func TestOnlyTheKnownWarningIsLeftOut(t *testing.T) {
	var got heard
	w := apiWarnings{next: &got}
	for _, text := range []string{
		"v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
		"v1 ComponentStatus is deprecated in v1.19+",
	} {
		w.HandleWarningHeaderWithContext(t.Context(), 299, "-", text)
	}
	if want := (heard{"v1 ComponentStatus is deprecated in v1.19+"}); !slices.Equal(got, want) {
		t.Errorf("it passes on %q, want %q", got, want)
	}
}
