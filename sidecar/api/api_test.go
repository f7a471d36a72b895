package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/api"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
)

// source is a candidate whose status a test sets.
type source struct {
	mu      sync.Mutex
	status  election.Status
	changed chan struct{}
}

func newSource(s election.Status) *source { return &source{status: s, changed: make(chan struct{})} }

func (s *source) Status() (election.Status, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status, s.changed
}

func (s *source) set(status election.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *source) StepDown(context.Context) { s.set(standby) }

var (
	at      = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	leading = election.Status{
		Leader: "orders-0_0f3c_x", IsLeader: true, Token: 1767323045000,
		ValidFor: 2500 * time.Millisecond, ValidUntil: 100500 * time.Millisecond, Since: at, LastUpdate: at,
	}
	standby = election.Status{Leader: "orders-1_9a2b_y", Token: 1767323045001, Since: at, LastUpdate: at}
)

func settings(mode config.Standby) config.Settings {
	s := config.Default()
	s.Election, s.Namespace, s.PodName, s.PodUID, s.Standby = "deployment-orders", "shop", "orders-0", "0f3c", mode
	return s
}

func get(handler http.Handler, path string) (int, string) { return ask(handler, http.MethodGet, path) }

func ask(handler http.Handler, method, path string) (int, string) {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), method, path, http.NoBody))
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestLocal(t *testing.T) {
	const (
		leadingDocument = `{"election":"deployment-orders","name":"orders-0","identity":"orders-0_0f3c_x","isLeader":true,` +
			`"fencingToken":"1767323045000","validForSeconds":2.5,"validUntilBoottime":100.5,"since":"2026-01-02T03:04:05Z",` +
			`"last_update":"2026-01-02T03:04:05Z","standby":"ready"}`
		standbyDocument = `{"election":"deployment-orders","name":"orders-1","identity":"orders-1_9a2b_y","isLeader":false,` +
			`"fencingToken":"1767323045001","validForSeconds":0,"validUntilBoottime":0,"since":"2026-01-02T03:04:05Z",` +
			`"last_update":"2026-01-02T03:04:05Z","standby":"ready"}`
	)
	tests := map[string]struct {
		status election.Status
		path   string
		code   int
		body   string
	}{
		"the 2016 answer on the leader":        {leading, "/", 200, `{"name":"orders-0","last_update":"2026-01-02T03:04:05Z"}`},
		"the 2016 answer on a standby":         {standby, "/", 200, `{"name":"orders-1","last_update":"2026-01-02T03:04:05Z"}`},
		"the 2016 answer when nobody is known": {election.Status{LastUpdate: at}, "/", 200, `{"name":"","last_update":"2026-01-02T03:04:05Z"}`},
		"a foreign leader's name is whole":     {election.Status{Leader: "host_of-another", LastUpdate: at}, "/", 200, `{"name":"host_of-another","last_update":"2026-01-02T03:04:05Z"}`},
		"isLeader on the leader":               {leading, "/isLeader", 200, `{"isLeader":true}`},
		"isLeader on a standby":                {standby, "/isLeader", 200, `{"isLeader":false}`},
		"the document on the leader":           {leading, "/leader", 200, leadingDocument},
		"the document on a standby":            {standby, "/leader", 200, standbyDocument},
		"leading on the leader":                {leading, "/leading", 200, leadingDocument},
		"leading on a standby":                 {standby, "/leading", 503, standbyDocument},
		"anything else":                        {leading, "/elsewhere", 404, "404 page not found"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			code, body := get(api.Local(settings(config.StandbyReady), newSource(test.status)), test.path)
			if code != test.code || body != test.body {
				t.Errorf("got  %d %s\nwant %d %s", code, body, test.code, test.body)
			}
		})
	}
}

func TestStreamTellsEveryChange(t *testing.T) {
	src := newSource(standby)
	server := httptest.NewServer(api.Local(settings(config.StandbyReady), src))
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/sse", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewScanner(response.Body)
	next := func() api.Document {
		t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var d api.Document
				if err := json.Unmarshal([]byte(data), &d); err != nil {
					t.Fatal(err)
				}
				return d
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return api.Document{}
	}
	if d := next(); d.IsLeader || d.Name != "orders-1" {
		t.Errorf("the first event is %+v", d)
	}
	for _, status := range []election.Status{leading, standby, leading} {
		src.set(status)
		if d := next(); d.IsLeader != status.IsLeader {
			t.Errorf("got %+v after %+v", d, status)
		}
	}
}

func TestReadiness(t *testing.T) {
	tests := map[string]struct {
		mode   config.Standby
		status election.Status
		code   int
	}{
		"mode ready, leader":                      {config.StandbyReady, leading, 200},
		"mode ready, standby":                     {config.StandbyReady, standby, 200},
		"mode ready, nothing known":               {config.StandbyReady, election.Status{}, 200},
		"mode unready, leader":                    {config.StandbyUnready, leading, 200},
		"mode unready, standby":                   {config.StandbyUnready, standby, 503},
		"mode unready, nothing known of the lock": {config.StandbyUnready, election.Status{}, 503},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			probes := api.Probes(settings(test.mode), newSource(test.status), api.NewTermination(election.BootTime{}))
			if code, body := get(probes, "/readyz"); code != test.code {
				t.Errorf("got %d %s, want %d", code, body, test.code)
			}
			for _, path := range []string{"/livez", "/startz"} {
				if code, body := get(probes, path); code != 200 {
					t.Errorf("%s gives %d %s", path, code, body)
				}
			}
		})
	}
}

func TestMetrics(t *testing.T) {
	probes := api.Probes(settings(config.StandbyReady), newSource(leading), api.NewTermination(election.BootTime{}))
	code, body := get(probes, "/metrics")
	if code != 200 {
		t.Errorf("got %d", code)
	}
	for _, want := range []string{
		`leaseholder_is_leader{election="deployment-orders"} 1`,
		`leaseholder_valid_seconds{election="deployment-orders"} 2.5`,
		`leaseholder_fencing_token{election="deployment-orders"} 1767323045000`,
		"go_goroutines ",
		"process_resident_memory_bytes ",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not in\n%s", want, body)
		}
	}
	if strings.Contains(body, "process_io_") {
		t.Error("it tells what it can't know")
	}
}

// bubble is the virtual time of a synctest bubble.
type bubble struct{ start time.Time }

func (b bubble) Now() election.Instant { return time.Since(b.start) }

func TestTermination(t *testing.T) {
	tests := map[string]struct {
		calls []string
		after time.Duration
		want  bool
	}{
		"without a word from the kubelet":        {nil, time.Hour, true},
		"well within the grace period":           {[]string{"/prestop?grace=30"}, 20 * time.Second, true},
		"when the grace period has run out":      {[]string{"/prestop?grace=30"}, 30 * time.Second, false},
		"a moment before":                        {[]string{"/prestop?grace=30"}, 29500 * time.Millisecond, false},
		"a later call does not lengthen it":      {[]string{"/prestop?grace=5", "/prestop?grace=3600"}, 10 * time.Second, false},
		"a later call shortens it":               {[]string{"/prestop?grace=3600", "/prestop?grace=5"}, 10 * time.Second, false},
		"a call that says nothing counts for no": {[]string{"/prestop", "/prestop?grace=-1"}, time.Hour, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				termination := api.NewTermination(bubble{time.Now()})
				probes := api.Probes(settings(config.StandbyReady), newSource(leading), termination)
				for _, call := range test.calls {
					get(probes, call)
				}
				time.Sleep(test.after)
				if got := termination.InOrder(); got != test.want {
					t.Errorf("in order: %v, want %v", got, test.want)
				}
			})
		})
	}
}

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

func TestStepDown(t *testing.T) {
	s := newSource(leading)
	handler := api.Local(settings(config.StandbyReady), s)
	if code, body := get(handler, "/step-down"); code != http.StatusMethodNotAllowed {
		t.Errorf("GET answers %d: %s", code, body)
	}
	if code, body := get(handler, "/isLeader"); body != `{"isLeader":true}` {
		t.Fatalf("before it, isLeader answers %d: %s", code, body)
	}
	for name, value := range map[string]string{
		"Origin": "https://example.com", "Sec-Fetch-Site": "cross-site",
		// The page's own host is this address, by a name that was made to mean it.
		"origin": "http://example.com",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://example.com/step-down", http.NoBody)
		r.Header.Set(name, value)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if _, still := get(handler, "/isLeader"); w.Code != http.StatusForbidden || still != `{"isLeader":true}` {
			t.Errorf("a browser's POST with %s %q answers %d: %s", name, value, w.Code, w.Body)
		}
	}
	code, body := ask(handler, http.MethodPost, "/step-down")
	if code != http.StatusAccepted || !strings.Contains(body, `"isLeader":false`) {
		t.Errorf("POST answers %d: %s", code, body)
	}
	off := settings(config.StandbyReady)
	off.StepDown = false
	if code, body := ask(api.Local(off, newSource(leading)), http.MethodPost, "/step-down"); code != http.StatusNotFound {
		t.Errorf("POST answers %d where it is off: %s", code, body)
	}
}

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
	done, held := make(chan error, 1), make(chan struct{})
	probes := api.Probes(settings(config.StandbyReady), newSource(leading), api.NewTermination(election.BootTime{}))
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			held <- struct{}{}
			<-ctx.Done()
			return
		}
		probes.ServeHTTP(w, r)
	})
	go func() { done <- api.ServeProbes(ctx, handler, listeners) }()
	address := net.JoinHostPort("127.0.0.1", port)
	const many = 100
	closed := 0
	for range many {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_, _ = io.WriteString(c, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")
		ended := make(chan struct{})
		go func() {
			_, _ = c.Read(make([]byte, 1))
			close(ended)
		}()
		select {
		case <-held:
		case <-ended:
			closed++
		}
	}
	if closed == 0 || closed == many {
		t.Errorf("%d of %d connections of one address are closed", closed, many)
	}
	other, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 3)}}).DialContext(ctx, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	_, _ = io.WriteString(other, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
	// It is closed by the server, or this test has no end.
	if page, err := io.ReadAll(other); err != nil || len(page) == 0 {
		t.Errorf("another address gets %q: %v", page, err)
	}
	kubelet := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).DialContext,
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/livez", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := kubelet.Do(request)
	if err != nil {
		t.Fatalf("another address is not answered: %v", err)
	}
	_ = answer.Body.Close()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
