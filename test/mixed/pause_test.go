package mixed_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptrace"
	"sync"
	"testing"

	"github.com/leaseholder-dev/leaseholder/sidecar/api"
)

func TestAPausedLeaderOfClientGoGoesOnBesideOurs(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	before := f.ours("ours-0", lasting)
	f.leads(before)
	// One that releases would, paused in the middle of a renewal, clear the Lease
	// of whoever has followed it: another test shows what ours does then.
	c := f.clientGoThatReleasesNothing("clientgo-0", lasting)
	f.terminate(before)
	f.leads(c)
	s := f.ours("ours-1", lasting)
	f.must(c.Pause())
	f.leads(s)
	took := s.Terms()[0]
	f.must(c.Resume())
	f.stops(c)

	// What client-go takes away: it believed in its lead while it stood still, and
	// goes on believing until its renew deadline, although it reads of another.
	all := f.overlaps()
	t.Logf("what client-go takes away: %v", all)
	if len(all) != 1 || all[0].first != "clientgo-0" || all[0].second != "ours-1" {
		t.Errorf("got %v, want one overlap, of the paused leader with the one that followed", all)
	}
	// What stays: ours leads on in the same term, and whoever compares tokens
	// refuses nobody but those from before.
	f.leads(s)
	if terms := s.Terms(); len(terms) != 1 || terms[0].Token != took.Token {
		t.Errorf("ours led in the terms %+v, want one", terms)
	}
	if old := before.Terms()[0].Token; took.Token <= old {
		t.Errorf("the token %d of ours is not greater than %d from before", took.Token, old)
	}
	// client-go does not take the Lease back from a leader that renews.
	from := f.history.len()
	f.history.await(t, "ours renews", from+1, heldBy("ours-1"))
	for _, state := range f.history.since(from) {
		if !heldBy("ours-1")(state) {
			t.Errorf("the Lease is %s while ours leads", state)
		}
	}
}

func TestAPausedSidecarNeverSaysThatItLeadsBesideClientGo(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	s := f.ours("ours-0", quick)
	f.leads(s)
	c := f.clientGo("clientgo-0", lasting)
	f.must(s.Pause())
	f.leads(c)

	// Asked while it stands still, and answered as soon as it goes on.
	const questions = 20
	answers := make(chan api.Document, questions)
	var asked, answered sync.WaitGroup
	for range questions {
		asked.Add(1)
		sent := sync.OnceFunc(asked.Done)
		answered.Go(func() {
			defer sent()
			d, err := ask(t, s.URL(), sent)
			if err != nil {
				t.Errorf("ask ours: %v", err)
				return
			}
			answers <- d
		})
	}
	asked.Wait()
	f.must(s.Resume())
	answered.Wait()
	close(answers)
	count := 0
	for d := range answers {
		count++
		if d.IsLeader {
			t.Errorf("ours says that it leads: %+v", d)
		}
	}
	t.Logf("%d answers right after the pause say no", count)
	// It goes on to follow client-go, and says so.
	eventually(t, "ours names client-go", func() bool {
		d, err := ask(t, s.URL(), func() {})
		if err != nil {
			t.Fatal(err)
		}
		if d.IsLeader {
			t.Fatalf("ours says that it leads: %+v", d)
		}
		return d.Name == "clientgo-0"
	})
	f.leads(c)
	f.end()
	f.excluded()
}

// ask asks a sidecar's local API; sent is called when the question is on its way.
func ask(t *testing.T, url string, sent func()) (api.Document, error) {
	t.Helper()
	var d api.Document
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { sent() },
	}), http.MethodGet, url+"/leader", http.NoBody)
	if err != nil {
		return d, err
	}
	// A connection of its own: one that is kept may lead to a process that has ended.
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return d, err
	}
	defer response.Body.Close()
	err = json.NewDecoder(response.Body).Decode(&d)
	return d, err
}
