package api_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/leaseholder-dev/leaseholder/sidecar/api"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	listeners, err := api.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listeners[0].Addr().String()
	if _, err := api.Listen(ctx, address); err == nil || !strings.Contains(err.Error(), address) {
		t.Errorf("a taken address gives %v", err)
	}
	done := make(chan error, 1)
	go func() {
		done <- api.Serve(ctx, api.Local(settings(config.StandbyReady), newSource(leading)), listeners)
	}()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/isLeader", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || strings.TrimSpace(string(body)) != `{"isLeader":true}` {
		t.Errorf("got %s, %v", body, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("the end of the context gives %v", err)
	}
}

// TestOthersCantTakeAllConnections counts those that are answered of many that stay
// open: each waits for the end of its answer.
func TestOthersCantTakeAllConnections(t *testing.T) {
	listeners, err := api.Listen(t.Context(), "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(listeners[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	endless := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-ctx.Done()
	})
	go func() { done <- api.ServeProbes(ctx, endless, listeners) }()
	answered := func(last byte, many int) (count int) {
		t.Helper()
		from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, last)}}
		for range many {
			c, err := from.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			if _, err := c.Read(make([]byte, 1)); err == nil {
				count++
			}
		}
		return count
	}
	const all, each = 512, 32 // as docs/security.md has it
	if got := answered(1, 100); got != each {
		t.Errorf("%d of 100 connections of one address are answered, want %d", got, each)
	}
	for last := byte(2); last <= all/each; last++ {
		if got := answered(last, each+1); got != each {
			t.Errorf("%d of %d connections of address %d are answered, want %d", got, each+1, last, each)
		}
	}
	if got := answered(all/each+1, 1); got != 0 {
		t.Errorf("there are more than %d connections", all)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
