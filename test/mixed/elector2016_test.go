package mixed_test

import (
	"cmp"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/endpoints"
	"github.com/leaseholder-dev/leaseholder/test/contender"
)

// newEndpointsFleet is newFleet on an Endpoints object.
func newEndpointsFleet(t *testing.T) *fleet {
	t.Helper()
	o := &corev1.Endpoints{ObjectMeta: metav1.ObjectMeta{Name: electionName()}} //nolint:staticcheck // this is the kind, deprecated or not
	endpoints.Free(&o.ObjectMeta, time.Now())
	all := client.CoreV1().Endpoints(namespace)
	o, err := all.Create(t.Context(), o, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return fleetOn(t, o.Name, config.LockEndpoints, recordHistory(t, all, o))
}

// tokensGrow checks that every term of ours had a larger token than those before it.
func (f *fleet) tokensGrow() {
	f.t.Helper()
	var terms []contender.Term
	for _, p := range f.processes() {
		for _, term := range p.Terms() {
			if term.Token != 0 {
				terms = append(terms, term)
			}
		}
	}
	slices.SortFunc(terms, func(a, b contender.Term) int { return cmp.Compare(a.Begun, b.Begun) })
	for i := range terms[1:] {
		if terms[i+1].Token <= terms[i].Token {
			f.t.Errorf("the token %d follows %d", terms[i+1].Token, terms[i].Token)
		}
	}
}

func TestAFleetOf2016AndOursNeverHasTwoLeaders(t *testing.T) {
	t.Parallel()
	b := newBoth(newEndpointsFleet(t), of2016, quick)
	// A leader ends when it has renewed once, unless another was quicker. One of 2016 knows
	// no release: told to end, it ends.
	end := func(f *fleet, p *contender.Process) {
		f.history.await(t, "the lock is renewed", f.history.len(), func(s state) bool { return s.Holder != "" })
		// Now and then a standby ends with it.
		for name, standby := range b.alive {
			if standby == p {
				continue
			}
			if rand.N(2) == 0 {
				f.kill(standby)
				delete(b.alive, name)
			}
			break
		}
		if b.members[p.Name()] == ours && rand.N(2) == 0 {
			f.terminate(p)
			return
		}
		f.kill(p)
	}
	handovers := b.walk([]step{
		{ours, (*fleet).kill, of2016},
		{of2016, end, ours},
		{ours, (*fleet).terminate, of2016},
		{of2016, end, ours},
		{"", end, ""},
	})
	b.excluded()
	b.tokensGrow()
	for _, direction := range []string{"ours to 2016", "2016 to ours"} {
		if handovers[direction] < 2 {
			t.Errorf("%d handovers from %s: %v", handovers[direction], direction, handovers)
		}
	}
}

// named is who leads, by the answer that clients of 2016 poll.
func named(t *testing.T, p *contender.Process) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Name string `json:"name"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer.Name
}

func TestAPausedLeaderOf2016GoesOnBesideOurs(t *testing.T) {
	t.Parallel()
	f := newEndpointsFleet(t)
	before := f.ours("ours-0", quick)
	f.leads(before)
	c := f.of2016("other-0", quick)
	eventually(t, "that of 2016 names ours", func() bool { return lock.PodName(named(t, c)) == "ours-0" })
	from := f.history.len() - 1
	f.terminate(before)
	f.leads(c)
	if story, want := f.history.story(from), []string{"ours-0", "released by ours", "other-0"}; !slices.Equal(story, want) {
		t.Errorf("the object's history is %v, want %v", story, want)
	}
	s := f.ours("ours-1", lasting)
	eventually(t, "ours names that of 2016", func() bool { return named(t, s) == "other-0" })
	f.must(c.Pause())
	f.leads(s)
	f.must(c.Resume())
	f.stops(c)

	// What a sidecar of 2016 takes away: its answer names it until it has looked again.
	all := f.overlaps()
	t.Logf("what a sidecar of 2016 takes away: %v", all)
	if len(all) != 1 || all[0].first != "other-0" || all[0].second != "ours-1" {
		t.Errorf("got %v, want one overlap, of the paused leader with the one that followed", all)
	}
	f.inOneTerm(s)
	f.tokensGrow()
	eventually(t, "that of 2016 names ours", func() bool { return lock.PodName(named(t, c)) == "ours-1" })
}
