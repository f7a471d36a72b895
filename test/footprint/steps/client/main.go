// Command client is command standard with the sidecar's lock on a Lease:
// client-go's REST client and what comes with it.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"time"

	"k8s.io/client-go/rest"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
)

func main() {
	address := flag.String("address", "127.0.0.1:4040", "the address to listen on")
	flag.Parse()
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	config, err := rest.InClusterConfig()
	if err != nil {
		log.Error("find the API server", "error", err)
		return
	}
	l, err := lease.New(config, "default", "election")
	if err != nil {
		log.Error("set up the lock", "error", err)
		return
	}
	server := &http.Server{Addr: *address, ReadHeaderTimeout: time.Second, Handler: handler(l)}
	log.Error("it ends", "error", server.ListenAndServe())
}

// handler uses every method of the lock, so that the linker keeps them.
func handler(l lock.Lock) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := l.Read(r.Context())
		if err != nil {
			err = l.Create(r.Context())
		}
		if err == nil {
			s, err = l.Write(r.Context(), s, s.Record)
		}
		if err == nil {
			err = l.Watch(context.WithoutCancel(r.Context()), s.Version, func(lock.Snapshot) {})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"lock": s, "error": err})
	})
}
