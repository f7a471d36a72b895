package faults_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/test/clouds/faults"
)

// server answers with what it was sent, and counts.
func server(t *testing.T) (url string, executed *atomic.Int32) {
	t.Helper()
	executed = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		executed.Add(1)
		w.Header().Set("X-Host", r.Host)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.Copy(w, r.Body)
	}))
	t.Cleanup(s.Close)
	return s.URL, executed
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func ask(ctx context.Context, url string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, url+"/a?b=c", strings.NewReader("text"))
	if err != nil {
		return answer{}, err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body)}, err
}

func TestFates(t *testing.T) {
	tests := map[string]struct {
		fate     faults.Fate
		status   int // 0: none comes
		executed int32
	}{
		"let through":              {faults.Fate{}, http.StatusAccepted, 1},
		"delayed":                  {faults.Fate{Before: time.Millisecond, After: time.Millisecond}, http.StatusAccepted, 1},
		"refused":                  {faults.Fate{Refused: true}, 0, 0},
		"executed, without answer": {faults.Fate{Lost: true}, 0, 1},
		"executed twice":           {faults.Fate{Twice: true}, http.StatusAccepted, 2},
		"too many requests":        {faults.Fate{Status: http.StatusTooManyRequests, RetryAfter: 2 * time.Second}, http.StatusTooManyRequests, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			url, executed := server(t)
			p := faults.New(t, url)
			p.Trouble(func(*http.Request) faults.Fate { return test.fate })
			got, err := ask(t.Context(), p.URL)
			if n := executed.Load(); n != test.executed {
				t.Errorf("it was executed %d times, want %d", n, test.executed)
			}
			if (err != nil) != (test.status == 0) {
				t.Fatalf("the error is %v", err)
			}
			if err != nil {
				return
			}
			if got.status != test.status {
				t.Errorf("the status is %d", got.status)
			}
			if test.fate.RetryAfter > 0 && got.header.Get("Retry-After") != "2" {
				t.Errorf("Retry-After is %q", got.header.Get("Retry-After"))
			}
			if test.executed > 0 && (got.body != "text" || got.header.Get("X-Host") != strings.TrimPrefix(p.URL, "http://")) {
				t.Errorf("the server got %q for the host %q", got.body, got.header.Get("X-Host"))
			}
		})
	}
}

func TestEachProxyIsCutAlone(t *testing.T) {
	url, _ := server(t)
	a, b := faults.New(t, url), faults.New(t, url)
	a.Cut(true)
	if _, err := ask(t.Context(), a.URL); err == nil {
		t.Error("the cut one lets requests through")
	}
	if _, err := ask(t.Context(), b.URL); err != nil {
		t.Errorf("the other one does not: %v", err)
	}
	a.Cut(false)
	if _, err := ask(t.Context(), a.URL); err != nil {
		t.Errorf("when it is mended: %v", err)
	}
	want := map[string]int{"PUT /a": 2}
	if got := a.Requests(); !maps.Equal(got, want) || a.Asked(http.MethodPut) != 2 || a.Asked(http.MethodPost) != 0 || a.Asked() != 2 {
		t.Errorf("counted are %v, want %v", got, want)
	}
}

func TestADeadConnectionStaysDead(t *testing.T) {
	url, executed := server(t)
	p := faults.New(t, url)
	if _, err := ask(t.Context(), p.URL); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	before := executed.Load()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := ask(ctx, p.URL); !errors.Is(err, context.DeadlineExceeded) || executed.Load() != before {
		t.Errorf("the dead connection answers: %v", err)
	}
	if _, err := ask(t.Context(), p.URL); err != nil {
		t.Errorf("a new one does not: %v", err)
	}
}

func TestWhatNobodyWaitsForIsExecuted(t *testing.T) {
	url, executed := server(t)
	p := faults.New(t, url)
	p.Trouble(func(*http.Request) faults.Fate { return faults.Fate{Before: 200 * time.Millisecond} })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := ask(ctx, p.URL); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
	deadline := time.After(time.Minute)
	for executed.Load() == 0 {
		select {
		case <-deadline:
			t.Fatal("it was never executed")
		case <-time.After(time.Millisecond):
		}
	}
}
