// Package faults is a proxy of HTTP between a cloud's client and a server with that
// cloud's API, which does to requests what networks and clouds do: it delays them and
// their answers, cuts connections, loses the answers to what was executed, has requests
// come through twice, leaves connections dead without a word, and answers for the
// server that it is too busy. It counts what comes.
//
// Each client gets a proxy of its own, so that one can be cut off and another not. What a
// proxy has begun to let through is executed, whether or not the client still waits.
package faults

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Fate is what becomes of one request. The zero value lets it through.
type Fate struct {
	// Before is how long the request is on its way, After how long the answer is.
	Before, After time.Duration
	// Status, if set, is the answer in place of the server's, which is not asked.
	Status int
	// RetryAfter, if set, goes with Status, in whole seconds.
	RetryAfter time.Duration
	// Refused closes the connection, and the server is not asked.
	Refused bool
	// Lost closes the connection when the server has answered.
	Lost bool
	// Twice asks the server twice, and gives the second answer.
	Twice bool
}

// Proxy is one client's way to a server.
type Proxy struct {
	// URL is where the proxy is asked.
	URL string

	target *url.URL
	next   http.RoundTripper
	front  *httptest.Server
	ended  chan struct{}

	mu          sync.Mutex
	draw        func(*http.Request) Fate
	cut         bool
	connections int
	dead        int // connections up to this number are
	counts      map[string]int
}

// New gives a proxy before the server at target, a URL without a path. It ends with the
// test.
func New(t testing.TB, target string) *Proxy {
	t.Helper()
	return Listen(t, "127.0.0.1:0", target)
}

// Listen is New at an address of one's own.
func Listen(t testing.TB, address, target string) *Proxy {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	// Each request has a connection of its own to the server: none is lost with another's.
	next := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	p := &Proxy{
		target: u, next: next, ended: make(chan struct{}),
		draw: letThrough, counts: map[string]int{},
	}
	p.front = &httptest.Server{Listener: listener, Config: &http.Server{
		Handler: http.HandlerFunc(p.serve), ReadHeaderTimeout: time.Minute,
	}}
	p.front.Config.ConnContext = p.number
	p.front.Start()
	p.URL = p.front.URL
	t.Cleanup(func() {
		close(p.ended)
		p.front.CloseClientConnections()
		p.front.Close() // waits for what is on its way
	})
	return p
}

func letThrough(*http.Request) Fate { return Fate{} }

// Trouble sets what becomes of requests from now on. draw is called for each, by one
// goroutine at a time.
func (p *Proxy) Trouble(draw func(*http.Request) Fate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draw = draw
}

// Calm lets all requests through again.
func (p *Proxy) Calm() { p.Trouble(letThrough) }

// Cut closes the connection of every request from now on, or lets all through again.
// Answers that are on their way still come.
func (p *Proxy) Cut(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
}

// Kill leaves every connection that there is dead: what is asked over it is never
// answered. New ones work.
func (p *Proxy) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = p.connections
}

// Requests is how many requests came, by "METHOD /path".
func (p *Proxy) Requests() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.counts)
}

// Asked is how many requests came with one of these methods, or in all.
func (p *Proxy) Asked(methods ...string) (requests int) {
	for request, times := range p.Requests() {
		for _, method := range methods {
			if len(request) > len(method) && request[:len(method)+1] == method+" " {
				requests += times
			}
		}
		if len(methods) == 0 {
			requests += times
		}
	}
	return requests
}

type connection struct{}

func (p *Proxy) number(ctx context.Context, _ net.Conn) context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.connections++
	return context.WithValue(ctx, connection{}, p.connections)
}

// fate counts a request and says what becomes of it.
func (p *Proxy) fate(r *http.Request) (fate Fate, dead bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts[r.Method+" "+r.URL.Path]++
	number, _ := r.Context().Value(connection{}).(int)
	if number <= p.dead || p.cut {
		return Fate{Refused: true}, number <= p.dead
	}
	return p.draw(r), false
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
	fate, dead := p.fate(r)
	if dead {
		select {
		case <-r.Context().Done():
		case <-p.ended:
		}
	}
	p.pass(fate.Before)
	switch {
	case fate.Refused:
		panic(http.ErrAbortHandler)
	case fate.Status != 0:
		if fate.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(fate.RetryAfter/time.Second)))
		}
		w.WriteHeader(fate.Status)
		return
	}
	got, err := p.ask(r, body)
	if fate.Twice && err == nil {
		got, err = p.ask(r, body)
	}
	p.pass(fate.After)
	if err != nil || fate.Lost {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), got.header)
	w.WriteHeader(got.status)
	_, _ = got.body.WriteTo(w) // the client may have gone
}

// answer is the server's, read to its end.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

// ask has the server execute a request. The Host stays the client's, which may have
// signed it.
func (p *Proxy) ask(r *http.Request, body []byte) (*answer, error) {
	out := r.Clone(context.WithoutCancel(r.Context()))
	out.URL.Scheme, out.URL.Host, out.RequestURI = p.target.Scheme, p.target.Host, ""
	out.Body, out.ContentLength, out.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	if len(body) == 0 {
		out.Body = http.NoBody
	}
	response, err := p.next.RoundTrip(out)
	if err != nil {
		return nil, err //nolint:wrapcheck // it becomes a closed connection
	}
	defer func() { _ = response.Body.Close() }()
	got := &answer{status: response.StatusCode, header: response.Header}
	_, err = got.body.ReadFrom(response.Body)
	return got, err //nolint:wrapcheck // it becomes a closed connection
}

// pass lets time pass, unless the test ends.
func (p *Proxy) pass(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.ended:
	}
}
