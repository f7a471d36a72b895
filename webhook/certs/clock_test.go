package certs

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// answers stands for an API server whose clock is wrong by a time.
type answers struct {
	wrong time.Duration
	date  string
}

func (a answers) RoundTrip(*http.Request) (*http.Response, error) {
	date := a.date
	if date == "" {
		date = time.Now().Add(a.wrong).UTC().Format(http.TimeFormat)
	}
	return &http.Response{Header: http.Header{"Date": {date}}, Body: http.NoBody}, nil
}

func TestTheClockIsTheAPIServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Clock
		ask := func(a answers) {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api/", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := c.Listen(a).RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
		}
		want := func(when string, wrong time.Duration) {
			t.Helper()
			if off := c.Now().Sub(time.Now().Add(wrong)).Abs(); off > time.Second {
				t.Errorf("%s: it is off by %s", when, off)
			}
		}
		want("before the first answer", 0)
		ask(answers{wrong: time.Hour})
		want("after an answer", time.Hour)
		time.Sleep(24 * time.Hour)
		want("a day later", time.Hour)
		ask(answers{date: "yesterday"})
		want("after an answer that tells no time", time.Hour)
		ask(answers{wrong: time.Hour - slowest})
		want("after an answer that was under way for long", time.Hour)
		ask(answers{wrong: -time.Hour})
		want("after one of another API server", -time.Hour)
	})
}
