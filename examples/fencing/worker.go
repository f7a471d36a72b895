package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// worker does, while its pod leads, what only one may do.
type worker struct {
	name           string
	sidecar, store string // URLs
	client         *http.Client
	// delay stands for what comes between a worker's last look at the clock and
	// the moment at which its write takes effect: a pause, a slow network.
	delay func(context.Context)
}

// status is what the worker needs of the sidecar's status document.
type status struct {
	IsLeader        bool    `json:"isLeader"`
	FencingToken    string  `json:"fencingToken"`
	ValidForSeconds float64 `json:"validForSeconds"`
}

// turn asks and, if this pod leads, works and writes. It gives a line about it.
func (w worker) turn(ctx context.Context) string {
	// validForSeconds counts from before the question was asked, so the clock is
	// read first. It is Go's monotonic one, which setting the time does not move.
	asked := time.Now()
	s, err := w.ask(ctx)
	switch {
	case err != nil:
		return fmt.Sprintf("%s: the sidecar does not answer, so it does not lead: %v", w.name, err)
	case !s.IsLeader:
		return w.name + ": standby"
	}
	valid := time.Duration(s.ValidForSeconds * float64(time.Second))

	// Here the work is done that takes time. When it has taken too long, another
	// may lead: ask again instead of writing.
	if time.Since(asked) >= valid {
		return w.name + ": too late, asks again"
	}
	// No look at the clock excludes that the write comes late all the same. That is
	// what the token is for.
	w.delay(ctx)
	if err := w.write(ctx, s.FencingToken); err != nil {
		return fmt.Sprintf("%s: with token %s: %v", w.name, s.FencingToken, err)
	}
	return fmt.Sprintf("%s: written with token %s", w.name, s.FencingToken)
}

func (w worker) ask(ctx context.Context) (status, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.sidecar+"/leader", http.NoBody)
	if err != nil {
		return status{}, fmt.Errorf("ask the sidecar: %w", err)
	}
	answer, err := w.client.Do(request)
	if err != nil {
		return status{}, fmt.Errorf("ask the sidecar: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	var s status
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		return status{}, fmt.Errorf("read the sidecar's answer (%s): %w", answer.Status, err)
	}
	return s, nil
}

// write stores the worker's name, with the token as the sidecar gave it.
func (w worker) write(ctx context.Context, token string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, w.store+"/last-writer", strings.NewReader(w.name))
	if err != nil {
		return fmt.Errorf("write to the store: %w", err)
	}
	request.Header.Set(tokenHeader, token)
	answer, err := w.client.Do(request)
	if err != nil {
		return fmt.Errorf("write to the store: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode == http.StatusNoContent {
		return nil
	}
	var r refusal
	if err := json.NewDecoder(answer.Body).Decode(&r); err != nil {
		return fmt.Errorf("read the store's answer (%s): %w", answer.Status, err)
	}
	return fmt.Errorf("the store refuses (%s): %s", answer.Status, r.Error)
}
