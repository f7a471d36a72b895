// Command standin stands in for the images of the examples where no registry
// can be reached: it takes the flags of hashicorp/http-echo. For the tests it
// also passes on what the pod's local API says, tries what an application should not
// be able to, and can end by itself.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "standin:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	listen := flag.String("listen", ":5678", "the `address` to serve on")
	text := flag.String("text", "", "the `text` to answer with")
	exitAfter := flag.Duration("exit-after", 0, "how long to run; 0 is until told to stop")
	flag.Parse()
	if *exitAfter > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *exitAfter)
		defer cancel()
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, *text) })
	mux.HandleFunc("/leaseholder/", pass(os.Getenv("LEASEHOLDER_URL")))
	mux.HandleFunc("/look", look)
	mux.HandleFunc("/ask", ask)
	server := &http.Server{Addr: *listen, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.ListenAndServe(); ctx.Err() == nil {
		return fmt.Errorf("serve on %q: %w", *listen, err)
	}
	return nil
}

// pass answers /leaseholder/x with what the local API says at /x.
func pass(base string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, base+r.URL.Path[len("/leaseholder"):], http.NoBody)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer func() { _ = response.Body.Close() }()
		w.WriteHeader(response.StatusCode)
		_, _ = io.Copy(w, response.Body)
	}
}
