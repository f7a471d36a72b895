package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/api"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/memory"
)

// ask sends one request to a handler and gives the code and the body.
func ask(t *testing.T, handler http.Handler, method, path, token, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if token != "" {
		r.Header.Set(tokenHeader, token)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestStore(t *testing.T) {
	type step struct {
		method, key, token string
		code               int
	}
	tests := map[string][]step{
		"the same leader writes again":              {{"PUT", "a", "5", 204}, {"PUT", "a", "5", 204}},
		"a later leader writes":                     {{"PUT", "a", "5", 204}, {"PUT", "a", "6", 204}},
		"a former leader is refused":                {{"PUT", "a", "6", 204}, {"PUT", "a", "5", 409}},
		"also on a key that nobody wrote since":     {{"PUT", "a", "5", 204}, {"PUT", "b", "6", 204}, {"PUT", "a", "5", 409}},
		"also when the later one has only read":     {{"PUT", "a", "5", 204}, {"GET", "a", "6", 200}, {"PUT", "a", "5", 409}},
		"a read that found nothing counts too":      {{"GET", "b", "6", 404}, {"PUT", "a", "5", 409}},
		"a former leader may not read as a leader":  {{"PUT", "a", "6", 204}, {"GET", "a", "5", 409}},
		"anyone may read without a token":           {{"PUT", "a", "6", 204}, {"GET", "a", "", 200}, {"PUT", "a", "6", 204}},
		"a refused token is not remembered":         {{"PUT", "a", "6", 204}, {"PUT", "a", "5", 409}, {"PUT", "a", "6", 204}},
		"tokens are numbers and not strings":        {{"PUT", "a", "9", 204}, {"PUT", "a", "10", 204}, {"PUT", "a", "9", 409}},
		"tokens beyond the precision of a float":    {{"PUT", "a", "9007199254740993", 204}, {"PUT", "a", "9007199254740992", 409}},
		"the largest token":                         {{"PUT", "a", "9223372036854775807", 204}, {"PUT", "a", "9223372036854775806", 409}},
		"a token that is too large":                 {{"PUT", "a", "9223372036854775808", 400}, {"PUT", "a", "1", 204}},
		"no token":                                  {{"PUT", "a", "", 400}},
		"the token of a pod that knows of no term":  {{"PUT", "a", "0", 400}},
		"a token with a sign, a space, or a letter": {{"PUT", "a", "+5", 400}, {"PUT", "a", "-5", 400}, {"PUT", "a", "5 ", 400}, {"PUT", "a", "0x5", 400}},
		"a token that is a float":                   {{"PUT", "a", "5e3", 400}, {"PUT", "a", "5.0", 400}},
		"a read with a token that can't be read":    {{"GET", "a", "five", 400}},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStore()
			for i, step := range steps {
				if code, body := ask(t, s, step.method, "/"+step.key, step.token, "value"); code != step.code {
					t.Errorf("step %d, %+v: got %d %s", i+1, step, code, body)
				}
			}
		})
	}
}

func TestARefusalNamesBothTokens(t *testing.T) {
	s := newStore()
	ask(t, s, http.MethodPut, "/a", "1792345678902", "new")
	_, body := ask(t, s, http.MethodPut, "/a", "1792345678901", "old")
	var got refusal
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	want := refusal{Error: "the token 1792345678901 is of a former leader: 1792345678902 was here", Token: "1792345678901", Highest: "1792345678902"}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, value := ask(t, s, http.MethodGet, "/a", "", ""); value != "new" {
		t.Errorf("the value is %q", value)
	}
}

// hosts answers requests by the handlers of their hosts, without a network, so
// that all can run in virtual time.
type hosts map[string]http.Handler

func (h hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	handler, found := h[r.URL.Host]
	if !found {
		return nil, fmt.Errorf("there is no host %q", r.URL.Host)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Result(), nil
}

// bubble is a synctest bubble's virtual time.
type bubble struct{ start time.Time }

func (b bubble) Now() election.Instant { return time.Since(b.start) }

// pod is a worker beside a real candidate.
type pod struct {
	worker
	candidate *election.Candidate
	// crash ends the sidecar without a release.
	crash func()
}

// newPod starts a candidate for l, whose local API is served at the pod's name.
func newPod(t *testing.T, l lock.Lock, at hosts, name string) *pod {
	t.Helper()
	settings := config.Default()
	settings.Election, settings.PodName = "orders", name
	candidate := election.New(l, election.Options{
		Identity: lock.Identity{Pod: name, UID: "uid-of-" + name, Start: "1"},
		Timing:   settings.Timing,
		Clock:    bubble{time.Now()},
		Release:  func() bool { return false },
		Logger:   slog.New(slog.DiscardHandler),
	})
	at[name] = api.Local(settings, candidate)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		candidate.Run(ctx)
	}()
	crash := func() {
		cancel()
		<-done
	}
	t.Cleanup(crash)
	return &pod{candidate: candidate, crash: crash, worker: worker{
		name: name, sidecar: "http://" + name, store: "http://store",
		client: &http.Client{Transport: at}, delay: func(context.Context) {},
	}}
}

// mustLead waits until the pod's sidecar says that it leads.
func (p *pod) mustLead(t *testing.T) {
	t.Helper()
	for end := time.After(time.Hour); ; {
		status, changed := p.candidate.Status()
		if status.IsLeader {
			return
		}
		select {
		case <-changed:
		case <-end:
			t.Fatalf("%s does not lead", p.name)
		}
	}
}

func TestALateWriteOfAFormerLeaderIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := hosts{"store": newStore()}
		l := memory.New()
		a := newPod(t, l, at, "a")
		a.mustLead(t)
		if got := a.turn(t.Context()); !strings.Contains(got, "a: written with token") {
			t.Fatal(got)
		}
		b := newPod(t, l, at, "b")
		if got := b.turn(t.Context()); got != "b: standby" {
			t.Fatal(got)
		}

		// a asks, is told that it leads, and is held up on its way to the store.
		held, goOn := make(chan struct{}), make(chan struct{})
		a.delay = func(context.Context) {
			close(held)
			<-goOn
		}
		late := make(chan string, 1)
		go func() { late <- a.turn(t.Context()) }()
		<-held

		// Its sidecar dies, b follows, and writes.
		a.crash()
		b.mustLead(t)
		written := b.turn(t.Context())
		if !strings.Contains(written, "b: written with token") {
			t.Fatal(written)
		}
		token := written[strings.LastIndex(written, " ")+1:]

		// a's write arrives.
		close(goOn)
		if got := <-late; !strings.Contains(got, "409") || !strings.Contains(got, "is of a former leader: "+token+" was here") {
			t.Errorf("the late write gives %q", got)
		}
		if _, value := ask(t, at["store"], http.MethodGet, "/last-writer", "", ""); value != "b" {
			t.Errorf("the last writer is %q", value)
		}
	})
}

func TestAWorkerWhoseAnswerCameTooLateDoesNotWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var puts int
		at := hosts{
			"store": http.HandlerFunc(func(http.ResponseWriter, *http.Request) { puts++ }),
			"sidecar": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				time.Sleep(3 * time.Second) // of virtual time: a slow answer
				_, _ = io.WriteString(w, `{"isLeader":true,"fencingToken":"7","validForSeconds":2.5}`)
			}),
		}
		w := worker{
			name: "a", sidecar: "http://sidecar", store: "http://store",
			client: &http.Client{Transport: at}, delay: func(context.Context) {},
		}
		if got := w.turn(t.Context()); got != "a: too late, asks again" || puts > 0 {
			t.Errorf("it says %q and writes %d times", got, puts)
		}
	})
}

func TestAWorkerWithoutASidecarDoesNotWrite(t *testing.T) {
	w := worker{name: "a", sidecar: "http://nowhere", store: "http://store", client: &http.Client{Transport: hosts{}}}
	if got := w.turn(t.Context()); !strings.Contains(got, "does not lead") {
		t.Errorf("it says %q", got)
	}
}

func TestExitCodes(t *testing.T) {
	tests := map[string]struct {
		args []string
		code int
		says string
	}{
		"help":                {[]string{"--help"}, exitOK, "LEASEHOLDER_URL"},
		"help of a command":   {[]string{"worker", "--help"}, exitOK, "-late"},
		"nothing":             {nil, exitUsage, "Usage"},
		"an unknown command":  {[]string{"shop"}, exitUsage, `"shop"`},
		"an unknown flag":     {[]string{"store", "--port"}, exitUsage, "-port"},
		"a word too many":     {[]string{"store", "now"}, exitUsage, `"now"`},
		"a pace of nothing":   {[]string{"worker", "--every", "0s"}, exitUsage, "-every 0s"},
		"no address to be at": {[]string{"store", "--address", "127.0.0.1:99999"}, exitFailed, "99999"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			none := func(string) string { return "" }
			if code := run(t.Context(), test.args, none, &out, &out); code != test.code {
				t.Errorf("it exits with %d, want %d", code, test.code)
			}
			if !strings.Contains(out.String(), test.says) {
				t.Errorf("%q is not in %q", test.says, &out)
			}
		})
	}
}
