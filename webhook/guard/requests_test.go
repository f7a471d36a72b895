package guard

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

func ask(handler http.Handler, from string, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/", body)
	r.Header.Set("Content-Type", "application/json")
	r.RemoteAddr = from
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// pausing is a body that pauses before its end.
type pausing struct{ held, release chan struct{} }

func (p pausing) Read([]byte) (int, error) {
	p.held <- struct{}{}
	<-p.release
	return 0, io.EOF
}

func TestTheMemoryForRequestsIsShared(t *testing.T) {
	handler := Requests(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	large := make([]byte, 6<<20)
	p, ended := pausing{make(chan struct{}), make(chan struct{})}, make(chan int)
	hold := func(from string) {
		go func() { ended <- ask(handler, from, io.MultiReader(bytes.NewReader(large), p)).Code }()
		<-p.held
	}
	hold("10.0.0.1:1")
	if w := ask(handler, "10.0.0.1:2", bytes.NewReader(large)); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a second large request of the same address gets %d", w.Code)
	}
	if w := ask(handler, "10.0.0.1:3", strings.NewReader("{}")); w.Code != http.StatusOK {
		t.Errorf("a small one of the same address gets %d", w.Code)
	}
	hold("10.0.0.2:1")
	for range 2 {
		p.release <- struct{}{}
		<-ended
	}
	hold("10.0.0.1:4")
	p.release <- struct{}{}
	<-ended
}

func TestOneAddressDoesNotHoldUpTheDecisionsOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		handler := Requests(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.ContentLength > 1<<10 {
				<-release
			}
		}))
		heavy := "[" + strings.Repeat("0,", 3000) + "0]"
		var asked sync.WaitGroup
		for range 180 {
			asked.Go(func() { ask(handler, "10.0.0.1:1", strings.NewReader(heavy)) })
		}
		synctest.Wait()
		begin := time.Now()
		if w := ask(handler, "10.0.0.2:1", strings.NewReader("{}")); w.Code != http.StatusOK || time.Since(begin) != 0 {
			t.Errorf("another address gets %d after %s", w.Code, time.Since(begin))
		}
		for _, c := range []struct {
			query string
			want  time.Duration
		}{{"", waiting}, {"?timeout=1s", time.Second / 2}, {"?timeout=30s", waiting}, {"?timeout=-1s", waiting}, {"?timeout=x", waiting}} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/"+c.query, strings.NewReader(heavy))
			r.Header.Set("Content-Type", "application/json")
			r.RemoteAddr = "10.0.0.1:2"
			w := httptest.NewRecorder()
			begin := time.Now()
			handler.ServeHTTP(w, r)
			if took := time.Since(begin); w.Code != http.StatusServiceUnavailable || took != c.want {
				t.Errorf("%q: %d after %s, want %s", c.query, w.Code, took, c.want)
			}
		}
		close(release)
		asked.Wait()
	})
}

func TestWhatIsReadIsGivenBack(t *testing.T) {
	q, _ := Requests(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })).(*requests)
	for name, body := range map[string]io.Reader{
		"one that is read":       strings.NewReader("{}"),
		"one that breaks off":    io.MultiReader(bytes.NewReader(make([]byte, 100<<10)), iotest.ErrReader(io.ErrUnexpectedEOF)),
		"one that is too large":  bytes.NewReader(make([]byte, MaxBody+1)),
		"one that is too rich":   strings.NewReader(strings.Repeat("[", maxWeight/perElement+1)),
		"one that never ends":    neverEnding{},
		"one that is not there":  http.NoBody,
		"one of a single stroke": iotest.OneByteReader(strings.NewReader(`{"a":1}`)),
	} {
		func() {
			defer func() { _ = recover() }()
			ask(q, "10.0.0.1:1", body)
		}()
		if taken, by := q.reading.Taken(); taken != 0 || by != 0 || len(q.deciding.each) != 0 || !q.deciding.all.TryAcquire(maxDeciding) {
			t.Fatalf("%s: %d bytes are not given back, by %d addresses", name, taken, by)
		}
		q.deciding.all.Release(maxDeciding)
	}
}

// neverEnding is a body of blanks.
type neverEnding struct{}

func (neverEnding) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
