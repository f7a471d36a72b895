package api

import (
	"net/http"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// Local is the API for the application:
//
//	GET  /           the leader's pod, as the leader-elector of 2016 answers
//	GET  /isLeader   {"isLeader":true} or false, always 200
//	GET  /leader     the status document, always 200
//	GET  /leading    the status document, 200 on the leader and 503 on a standby
//	GET  /sse        the status document at once and at every change
//	POST /step-down  202 and the status document when this pod no longer leads
//
// /step-down is 404 where the settings switch it off. On a standby it does
// nothing. A browser's request for it is refused: one that runs in the pod, to draw
// pages, would send it for any page that it is shown. Browsers always say from where a POST
// comes, also where a name has been made to mean this address.
func Local(settings config.Settings, source Candidate) http.Handler {
	now := func() Document {
		s, _ := source.Status()
		return document(settings, s)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		s, _ := source.Status()
		writeJSON(w, http.StatusOK, legacy{Name: lock.PodName(s.Leader), LastUpdate: s.LastUpdate.UTC()})
	})
	mux.HandleFunc("GET /isLeader", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]bool{"isLeader": now().IsLeader})
	})
	mux.HandleFunc("GET /leader", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, now())
	})
	mux.HandleFunc("GET /leading", func(w http.ResponseWriter, _ *http.Request) {
		d := now()
		code := http.StatusServiceUnavailable
		if d.IsLeader {
			code = http.StatusOK
		}
		writeJSON(w, code, d)
	})
	mux.HandleFunc("GET /sse", func(w http.ResponseWriter, r *http.Request) { stream(w, r, settings, source) })
	if settings.StepDown {
		mux.HandleFunc("POST /step-down", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "" {
				http.Error(w, "a page in a browser can't make the leader step down", http.StatusForbidden)
				return
			}
			source.StepDown(r.Context())
			writeJSON(w, http.StatusAccepted, now())
		})
	}
	return mux
}
