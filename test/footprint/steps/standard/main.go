// Command standard does with the standard library alone what every sidecar of
// this kind does: it has flags and a JSON log, serves HTTP, and asks an API
// server for JSON over TLS.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"time"
)

func main() {
	address := flag.String("address", "127.0.0.1:4040", "the address to listen on")
	flag.Parse()
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(nil)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	server := &http.Server{Addr: *address, ReadHeaderTimeout: time.Second}
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "https://127.0.0.1:6443/", http.NoBody)
		if err != nil {
			log.Error("make a request", "error", err)
			return
		}
		answer, err := client.Do(request)
		if err != nil {
			log.Error("ask", "error", err)
			return
		}
		defer func() { _ = answer.Body.Close() }()
		var body map[string]any
		if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
			log.Error("read an answer", "error", err)
		}
		_ = json.NewEncoder(w).Encode(body)
	})
	log.Error("it ends", "error", server.ListenAndServe())
}
