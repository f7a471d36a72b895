package api_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/leaseholder-dev/leaseholder/sidecar/api"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
)

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
