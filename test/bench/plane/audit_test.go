package plane

import (
	"slices"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	const log = `{"stage":"ResponseStarted","verb":"watch","user":{"username":"a"},"objectRef":{"name":"x"},"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-01-02T03:04:05.000001Z"}
{"stage":"ResponseComplete","verb":"watch","user":{"username":"a"},"objectRef":{"name":"x"},"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-01-02T03:04:05.000001Z"}
{"stage":"ResponseComplete","verb":"watch","user":{"username":"b"},"objectRef":{"name":"x"},"responseStatus":{"code":410},"requestReceivedTimestamp":"2026-01-02T03:04:05.000002Z"}
{"stage":"ResponseComplete","verb":"patch","user":{"username":"b"},"objectRef":{"name":"x"},"responseStatus":{"code":409},"requestReceivedTimestamp":"2026-01-02T03:04:05.000003Z"}
{"stage":"ResponseComplete","verb":"list","user":{"username":"c"},"objectRef":{"name":"y"},"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-01-02T03:04:05.000004Z"}
`
	at := func(micros int) time.Time { return time.Date(2026, 1, 2, 3, 4, 5, micros*1000, time.UTC) }
	want := []Request{
		{at(1), "a", "x", "watch", 200},
		{at(2), "b", "x", "watch", 410},
		{at(3), "b", "x", "patch", 409},
		{at(4), "c", "y", "list", 200},
	}
	got, err := parse([]byte(log))
	if err != nil {
		t.Fatal(err)
	}
	same := func(a, b Request) bool {
		sameTime := a.At.Equal(b.At)
		a.At = b.At
		return sameTime && a == b
	}
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if !got[2].Conflict() || got[1].Conflict() || !got[3].Read() || got[0].Read() {
		t.Errorf("conflicts and reads are not told apart: %v", got)
	}
	if _, err := parse([]byte("{\n")); err == nil {
		t.Error("half an event is no error")
	}
}
