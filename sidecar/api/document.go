package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// Source tells what a candidate knows now, with a channel that is closed at the
// next change.
type Source interface {
	Status() (election.Status, <-chan struct{})
}

// Candidate is a Source that can be told to hand over: when StepDown returns, it
// no longer leads. *election.Candidate is one.
type Candidate interface {
	Source
	StepDown(ctx context.Context)
}

// Document is the status document of the local API.
type Document struct {
	// Election is the election's name.
	Election string `json:"election"`
	// Name is the leader's pod and Identity its identity; both are empty when
	// the leader is not known.
	Name     string `json:"name"`
	Identity string `json:"identity"`
	// IsLeader says whether this pod leads.
	IsLeader bool `json:"isLeader"`
	// FencingToken is a decimal number that grows with every term.
	FencingToken string `json:"fencingToken"`
	// ValidForSeconds is how long IsLeader stays true without a further renewal,
	// counted from before the document was asked for; 0 on a standby.
	ValidForSeconds float64 `json:"validForSeconds"`
	// ValidUntilBoottime is the same as a reading of CLOCK_BOOTTIME in seconds,
	// for a document that is kept; 0 on a standby.
	ValidUntilBoottime float64 `json:"validUntilBoottime"`
	// Since is when the leader took the lock, by its own wall clock; null when the
	// leader is not known.
	Since *time.Time `json:"since"`
	// LastUpdate is when this pod last saw the leader change.
	LastUpdate time.Time `json:"last_update"`
	// Standby is the election's standby mode.
	Standby config.Standby `json:"standby"`
}

// legacy is the answer of the leader-elector sidecar of 2016.
type legacy struct {
	Name       string    `json:"name"`
	LastUpdate time.Time `json:"last_update"`
}

func document(settings config.Settings, s election.Status) Document {
	d := Document{
		Election:           settings.Election,
		Name:               lock.PodName(s.Leader),
		Identity:           s.Leader,
		IsLeader:           s.IsLeader,
		FencingToken:       strconv.FormatInt(s.Token, 10),
		ValidForSeconds:    s.ValidFor.Seconds(),
		ValidUntilBoottime: s.ValidUntil.Seconds(),
		LastUpdate:         s.LastUpdate.UTC(),
		Standby:            settings.Standby,
	}
	if s.Leader != "" && !s.Since.IsZero() {
		since := s.Since.UTC()
		d.Since = &since
	}
	return d
}

func writeJSON(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	// A client that has gone is the only failure, and nobody is left to tell.
	_ = json.NewEncoder(w).Encode(body)
}
