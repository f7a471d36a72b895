package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/webhook/certs/trust"
)

var (
	testNames     = []string{"webhook.system.svc", "webhook.system.svc.cluster.local"}
	testLifetimes = Lifetimes{CA: 300 * time.Hour, Leaf: 60 * time.Hour, Grace: time.Hour}
	begin         = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
)

// store stands for the Secret and one bundle, and counts the steps.
type store struct {
	t           *testing.T
	data        map[string][]byte
	annotations map[string]string
	bundle      []byte
	steps       []string
}

// settle does all that is due at a time, as replicas do: the Secret's steps, and
// between them the bundle.
func (s *store) settle(now time.Time) content {
	s.t.Helper()
	for range 10 {
		c := read(s.data, s.annotations, now, testNames)
		step, err := c.advance(now, testLifetimes, testNames, [][]byte{s.bundle})
		if err != nil {
			s.t.Fatal(err)
		}
		if step != "" {
			s.steps = append(s.steps, step)
			s.data, s.annotations = c.data(s.data), c.annotations(s.annotations)
			continue
		}
		next := nextBundle(now, s.bundle, c.authorities())
		if bytes.Equal(next, s.bundle) {
			return c
		}
		s.bundle = next
	}
	s.t.Fatalf("it does not settle: %q", s.steps)
	return content{}
}

func TestAnEmptySecretGetsAnAuthorityAndALeafOnce(t *testing.T) {
	s := &store{t: t}
	c := s.settle(begin)
	if len(s.steps) != 1 {
		t.Errorf("steps %q", s.steps)
	}
	if !trusted([][]byte{s.bundle}, c.leaf.tls, begin) || !coversNames(c.leaf.cert, testNames) {
		t.Error("the leaf is not trusted, or not for all names")
	}
	if again := s.settle(begin.Add(time.Hour)); !again.leaf.cert.Equal(c.leaf.cert) {
		t.Error("the leaf changed without need")
	}
}

func TestAClockThatIsBehindReplacesNothing(t *testing.T) {
	s := &store{t: t}
	s.settle(begin)
	behind := begin.Add(-testLifetimes.CA)
	c := read(s.data, s.annotations, behind, testNames)
	if step, err := c.advance(behind, testLifetimes, testNames, [][]byte{s.bundle}); step != "" || err == nil {
		t.Errorf("it %s: %v", step, err)
	}
}

func TestWhatIsDamagedIsMadeAnew(t *testing.T) {
	for name, c := range map[string]struct {
		harm   func(s *store)
		keepCA bool
	}{
		"the leaf is no PEM":         {func(s *store) { s.data[KeyLeaf] = []byte("?") }, true},
		"the leaf's key is missing":  {func(s *store) { delete(s.data, KeyLeafKey) }, true},
		"the leaf's key is another":  {func(s *store) { s.data[KeyLeafKey] = s.data[KeyCAKey] }, true},
		"the leaf is the authority":  {func(s *store) { s.data[KeyLeaf], s.data[KeyLeafKey] = s.data[KeyCA], s.data[KeyCAKey] }, true},
		"the authority is missing":   {func(s *store) { delete(s.data, KeyCA) }, false},
		"the authority has no key":   {func(s *store) { s.data[KeyCAKey] = nil }, false},
		"the authority is the leaf":  {func(s *store) { s.data[KeyCA], s.data[KeyCAKey] = s.data[KeyLeaf], s.data[KeyLeafKey] }, false},
		"the secret was emptied":     {func(s *store) { s.data = nil }, false},
		"the next authority is torn": {func(s *store) { s.data[KeyNextCA] = []byte("?") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := &store{t: t}
			before := s.settle(begin)
			c.harm(s)
			after := s.settle(begin.Add(time.Minute))
			if !trusted([][]byte{s.bundle}, after.leaf.tls, begin.Add(time.Minute)) {
				t.Error("the leaf is not trusted")
			}
			if kept := after.ca.cert.Equal(before.ca.cert); kept != c.keepCA {
				t.Errorf("authority kept: %v", kept)
			}
			if !trusted([][]byte{s.bundle}, before.leaf.tls, begin.Add(time.Minute)) {
				t.Error("what replicas still serve is trusted no more")
			}
		})
	}
}

func TestALeafWithoutOneOfTheNamesIsReplaced(t *testing.T) {
	s := &store{t: t}
	before := s.settle(begin)
	c := read(s.data, s.annotations, begin, append(testNames, "new.system.svc"))
	if c.leaf != nil || !c.ca.cert.Equal(before.ca.cert) {
		t.Error("the leaf counts as good for a name that it lacks")
	}
}

// TestRenewalOverManyLifetimes walks through several lifetimes of authorities in small
// steps and checks the promises at each.
func TestRenewalOverManyLifetimes(t *testing.T) {
	s := &store{t: t}
	var last content
	authorities, leaves := 0, 0
	for now := begin; now.Before(begin.Add(2000 * time.Hour)); now = now.Add(20 * time.Minute) {
		bundle := s.bundle
		c := s.settle(now)
		if last.leaf != nil {
			if !trusted([][]byte{bundle}, c.leaf.tls, now) {
				t.Fatalf("%s: a leaf that the bundle of a moment ago does not trust", now)
			}
			if !trusted([][]byte{s.bundle}, last.leaf.tls, now) {
				t.Fatalf("%s: what was served a moment ago is trusted no more", now)
			}
			if !c.ca.cert.Equal(last.ca.cert) {
				authorities++
			}
			if !c.leaf.cert.Equal(last.leaf.cert) {
				leaves++
			}
		}
		if c.leaf.cert.NotAfter.After(c.ca.cert.NotAfter) {
			t.Fatalf("%s: the leaf outlives its authority", now)
		}
		if n := len(trust.Read(s.bundle)); n > keptExpired+1 {
			t.Fatalf("%s: %d authorities in the bundle", now, n)
		}
		last = c
	}
	if authorities < 8 || authorities > 10 || leaves < 45 || leaves > 65 {
		t.Errorf("%d authorities, %d leaves", authorities, leaves)
	}
}

func TestANewAuthoritySignsNothingBeforeItIsPublishedForTheGrace(t *testing.T) {
	s := &store{t: t}
	first := s.settle(begin)
	// Times are kept to the fraction of a second.
	due := testLifetimes.dueAt(first.ca.cert).Add(time.Second - time.Millisecond)
	c := s.settle(due)
	if c.next == nil || c.published.IsZero() || !publishedIn([][]byte{s.bundle}, c.next.cert) {
		t.Fatalf("the next authority is not published: %q", s.steps)
	}
	if c = s.settle(due.Add(testLifetimes.Grace - time.Millisecond)); !c.ca.cert.Equal(first.ca.cert) {
		t.Error("the authority changed before the grace was over")
	}
	if wake := c.wakeAt(due, testLifetimes); wake.After(due.Add(testLifetimes.Grace)) {
		t.Errorf("it wakes at %s", wake)
	}
	withdrawn := read(s.data, s.annotations, due, testNames)
	if step, _ := withdrawn.advance(due.Add(testLifetimes.Grace), testLifetimes, testNames, [][]byte{s.bundle, nil}); step != "" {
		t.Errorf("%s, though one bundle lacks it", step)
	}
	if c = s.settle(due.Add(testLifetimes.Grace)); c.ca.cert.Equal(first.ca.cert) || c.next != nil {
		t.Errorf("the authority did not change: %q", s.steps)
	}
}

func TestAClockThatIsSetBackOnlyDelays(t *testing.T) {
	s := &store{t: t}
	first := s.settle(begin)
	due := testLifetimes.dueAt(first.ca.cert)
	s.settle(due.Add(10 * time.Hour))
	back := due.Add(time.Hour)
	s.settle(back)
	if c := s.settle(back.Add(2 * testLifetimes.Grace)); c.ca.cert.Equal(first.ca.cert) {
		t.Errorf("the authority did not change: %q", s.steps)
	}
}

func TestOthersAuthoritiesLeaveTheBundleAndExpiredOnesToo(t *testing.T) {
	s := &store{t: t}
	c := s.settle(begin)
	present := append(bytes.Clone(s.bundle), c.leaf.certPEM...)
	const past = 4
	for i := range past {
		old, err := newAuthority(begin.Add(time.Duration(-400-i)*time.Hour), testLifetimes.CA)
		if err != nil {
			t.Fatal(err)
		}
		present = append(present, old.certPEM...)
	}
	got := trust.Read(nextBundle(begin, present, c.authorities()))
	// A clock that is ahead lets the newest seem to have expired: they are kept.
	if len(got) != keptExpired || !got[0].Equal(c.ca.cert) {
		t.Errorf("%d certificates", len(got))
	}
	for _, other := range got[1:] {
		if other.NotAfter.Before(begin.Add(-102 * time.Hour)) {
			t.Errorf("one is kept that ended at %s", other.NotAfter)
		}
	}
}

func TestAnAuthorityOfAnotherNameIsReplaced(t *testing.T) {
	s := &store{t: t}
	before := s.settle(begin)
	other, err := sign(nil, &x509.Certificate{
		Subject: pkix.Name{CommonName: "another"}, NotBefore: begin, NotAfter: begin.Add(testLifetimes.CA), IsCA: true, BasicConstraintsValid: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.data[KeyCA], s.data[KeyCAKey] = other.certPEM, other.keyPEM
	after := s.settle(begin)
	if after.ca.cert.Equal(other.cert) || !trusted([][]byte{s.bundle}, before.leaf.tls, begin) || !trusted([][]byte{s.bundle}, after.leaf.tls, begin) {
		t.Error("it signs, or what it replaced is trusted no more")
	}
}

func TestServed(t *testing.T) {
	s := &store{t: t}
	c := s.settle(begin)
	bundles := [][]byte{s.bundle}
	var v served
	if _, err := v.certificate(nil); !errors.Is(err, ErrNoLeaf) || !errors.Is(v.ready(begin), ErrNoLeaf) {
		t.Errorf("before the first leaf: %v", err)
	}
	v.offer(begin, time.Minute, c.leaf.tls, [][]byte{nil})
	if !errors.Is(v.ready(begin), ErrNoLeaf) {
		t.Error("an untrusted leaf is served")
	}
	v.offer(begin, time.Minute, c.leaf.tls, bundles)
	if err := v.ready(begin); err != nil {
		t.Error(err)
	}
	if err := v.ready(begin.Add(testLifetimes.Leaf)); !errors.Is(err, ErrExpired) {
		t.Errorf("after its time: %v", err)
	}
	v.offer(begin, time.Minute, c.leaf.tls, [][]byte{s.bundle, nil})
	if err := v.ready(begin); !errors.Is(err, ErrUntrusted) {
		t.Errorf("with one bundle emptied: %v", err)
	}

	other, err := newAuthority(begin, testLifetimes.CA)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := newLeaf(other, begin, testLifetimes.Leaf, testNames)
	if err != nil {
		t.Fatal(err)
	}
	both := [][]byte{nextBundle(begin, s.bundle, []*x509.Certificate{other.cert})}
	showsNew := func() bool {
		got, _ := v.certificate(&tls.ClientHelloInfo{})
		return same(got, leaf.tls)
	}
	if left := v.offer(begin, time.Minute, leaf.tls, both); left != time.Minute || showsNew() {
		t.Errorf("another authority's leaf is served at once, %s left", left)
	}
	if left := v.offer(begin.Add(time.Minute), time.Minute, leaf.tls, both); left != 0 || !showsNew() {
		t.Errorf("it is not served after the grace, %s left", left)
	}
	var restarted served
	if left := restarted.offer(begin, time.Minute, leaf.tls, both); left != 0 {
		t.Errorf("a replica that has nothing else waits %s", left)
	}
}

func TestLifetimesThatComeTooLateAreRefused(t *testing.T) {
	for name, l := range map[string]Lifetimes{
		"a grace that does not fit": {CA: time.Hour, Leaf: 15 * time.Minute, Grace: 6 * time.Minute},
		"no grace":                  {CA: time.Hour, Leaf: time.Minute},
		"a lifetime used up":        {CA: time.Hour, Leaf: time.Hour, Grace: time.Minute, Used: 1},
		"a leaf that lives longer":  {CA: time.Hour, Leaf: 2 * time.Hour, Grace: time.Minute},
	} {
		if l.Validate() == nil {
			t.Errorf("%s is allowed", name)
		}
	}
	if err := DefaultLifetimes().Validate(); err != nil {
		t.Error(err)
	}
}
