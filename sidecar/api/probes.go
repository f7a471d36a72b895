package api

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// PathMetrics is where Prometheus finds the metrics. The kubelet's paths are
// part of the contract with the injector, in package config.
const PathMetrics = "/metrics"

// Probes is what the kubelet and Prometheus ask:
//
//	GET /livez    200: this process answers
//	GET /startz   200: this process answers
//	GET /readyz   200 in mode ready; 200 on the leader alone in mode unready
//	GET /prestop  200: the pod's termination has begun
//	GET /metrics  Prometheus' text format
//
// Readiness in mode ready never depends on the API server: when that is away,
// the application goes on serving.
func Probes(settings config.Settings, source Source, termination *Termination) http.Handler {
	mux := http.NewServeMux()
	ok := func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") }
	mux.HandleFunc("GET "+config.LivePath, ok)
	mux.HandleFunc("GET "+config.StartPath, ok)
	mux.HandleFunc("GET "+config.ReadyPath, func(w http.ResponseWriter, r *http.Request) {
		if status, _ := source.Status(); settings.Standby == config.StandbyUnready && !status.IsLeader {
			http.Error(w, "standby: only the leader is ready", http.StatusServiceUnavailable)
			return
		}
		ok(w, r)
	})
	mux.HandleFunc("GET "+config.PreStopPath, func(w http.ResponseWriter, r *http.Request) {
		seconds, err := strconv.ParseUint(r.FormValue(config.PreStopGrace), 10, 31)
		if err != nil {
			http.Error(w, fmt.Sprintf("%s=%q is refused, allowed: seconds", config.PreStopGrace, r.FormValue(config.PreStopGrace)), http.StatusBadRequest)
			return
		}
		termination.Begin(time.Duration(seconds) * time.Second)
		ok(w, r)
	})
	mux.HandleFunc("GET "+PathMetrics, metrics(settings, source))
	return mux
}
