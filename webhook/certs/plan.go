package certs

import (
	"crypto/x509"
	"fmt"
	"maps"
	"time"
)

// The Secret's keys.
const (
	// KeyCA is the authority that signs leaves.
	KeyCA = "ca.crt"
	// KeyCAKey is its key.
	KeyCAKey = "ca.key"
	// KeyLeaf is what is served.
	KeyLeaf = "tls.crt"
	// KeyLeafKey is its key.
	KeyLeafKey = "tls.key"
	// KeyNextCA is the authority to come, which is published and has signed nothing
	// yet.
	KeyNextCA = "next-ca.crt"
	// KeyNextCAKey is its key.
	KeyNextCAKey = "next-ca.key"
	// AnnotationPublished is since when the authority to come is known to stand in
	// the bundles, RFC 3339.
	AnnotationPublished = "leaseholder.dev/next-ca-published"
)

// content is what the Secret holds, as far as it can be used.
type content struct {
	ca, next, leaf *pair
	// published is zero when the authority to come is not known to be.
	published time.Time
	// validFrom is set when there is an authority that is not valid yet: its
	// maker's clock is ahead of this one.
	validFrom time.Time
}

// read takes what can be used. A pair that can't is left out, and so is a leaf
// that its authority did not sign or that lacks one of the names.
func read(data map[string][]byte, annotations map[string]string, now time.Time, names []string) content {
	c := content{
		ca:   readAuthority(data[KeyCA], data[KeyCAKey], now),
		next: readAuthority(data[KeyNextCA], data[KeyNextCAKey], now),
	}
	if leaf, err := readPair(data[KeyLeaf], data[KeyLeafKey]); err == nil && c.ca != nil &&
		signedBy(leaf.cert, c.ca.cert) && valid(leaf.cert, now) && coversNames(leaf.cert, names) {
		c.leaf = leaf
	}
	if at, err := time.Parse(time.RFC3339, annotations[AnnotationPublished]); err == nil && c.next != nil {
		c.published = at
	}
	if ca, err := readPair(data[KeyCA], data[KeyCAKey]); err == nil && ca.cert.IsCA && now.Before(ca.cert.NotBefore) {
		c.validFrom = ca.cert.NotBefore
	}
	return c
}

func readAuthority(certPEM, keyPEM []byte, now time.Time) *pair {
	p, err := readPair(certPEM, keyPEM)
	// The bundles keep authorities of this name alone: what another one has signed
	// would be trusted no more at its first renewal.
	if err != nil || !p.cert.IsCA || p.cert.Subject.CommonName != authorityName || !valid(p.cert, now) {
		return nil
	}
	return p
}

// authorities are those that have to be published.
func (c *content) authorities() []*x509.Certificate {
	var certs []*x509.Certificate
	for _, p := range []*pair{c.next, c.ca} {
		if p != nil {
			certs = append(certs, p.cert)
		}
	}
	return certs
}

// advance does at most one step towards what the Secret should hold now, and
// says which; empty if there is none to do. bundles are those that the API
// server has.
func (c *content) advance(now time.Time, l Lifetimes, names []string, bundles [][]byte) (step string, err error) {
	fail := func(what string, err error) (string, error) { return "", fmt.Errorf("%s: %w", what, err) }
	switch {
	case !c.validFrom.IsZero():
		// Other replicas serve it. A leaf or a next authority from then can be made
		// anew, which changes nothing for them.
		return "", fmt.Errorf("the secret holds an authority that is valid from %s, and here it is %s: set the clock, or empty the secret",
			c.validFrom.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))

	case c.ca == nil:
		// Nothing can be saved: there is no authority whose leaf would be trusted.
		if c.ca, err = newAuthority(now, l.CA); err != nil {
			return fail("make an authority", err)
		}
		if c.leaf, err = newLeaf(c.ca, now, l.Leaf, names); err != nil {
			return fail("make a leaf", err)
		}
		return "made an authority and a leaf", nil

	case c.next != nil && c.graceOver(now, l) && publishedIn(bundles, c.next.cert):
		leaf, err := newLeaf(c.next, now, l.Leaf, names)
		if err != nil {
			return fail("make a leaf", err)
		}
		c.ca, c.next, c.leaf, c.published = c.next, nil, leaf, time.Time{}
		return "changed to the next authority", nil

	case c.leaf == nil || !now.Before(l.dueAt(c.leaf.cert)) && c.leaf.cert.NotAfter.Before(c.ca.cert.NotAfter):
		if c.leaf, err = newLeaf(c.ca, now, l.Leaf, names); err != nil {
			return fail("make a leaf", err)
		}
		return "made a leaf", nil

	case c.next == nil && !now.Before(l.dueAt(c.ca.cert)):
		if c.next, err = newAuthority(now, l.CA); err != nil {
			return fail("make the next authority", err)
		}
		c.published = time.Time{}
		return "made the next authority", nil

	case c.next != nil && (c.published.IsZero() || c.published.After(now)) && publishedIn(bundles, c.next.cert):
		// A time to come is one from before the clock was set back.
		c.published = now
		return "published the next authority", nil
	}
	return "", nil
}

func (c *content) graceOver(now time.Time, l Lifetimes) bool {
	return !c.published.IsZero() && !c.published.After(now) && now.Sub(c.published) >= l.Grace
}

// wakeAt is when advance has to be asked again, if nothing changes before.
func (c *content) wakeAt(now time.Time, l Lifetimes) time.Time {
	at := now.Add(l.CA)
	earlier := func(t time.Time) {
		if t.After(now) && t.Before(at) {
			at = t
		}
	}
	if c.leaf != nil {
		earlier(l.dueAt(c.leaf.cert))
		earlier(c.leaf.cert.NotAfter)
	}
	if c.ca != nil {
		earlier(l.dueAt(c.ca.cert))
		earlier(c.ca.cert.NotAfter)
	}
	if !c.published.IsZero() {
		earlier(c.published.Add(l.Grace))
	}
	return at
}

// data is the Secret's new data: the content, and whatever else was there.
func (c *content) data(old map[string][]byte) map[string][]byte {
	data := maps.Clone(old)
	if data == nil {
		data = map[string][]byte{}
	}
	put := func(p *pair, cert, key string) {
		delete(data, cert)
		delete(data, key)
		if p != nil {
			data[cert], data[key] = p.certPEM, p.keyPEM
		}
	}
	put(c.ca, KeyCA, KeyCAKey)
	put(c.next, KeyNextCA, KeyNextCAKey)
	put(c.leaf, KeyLeaf, KeyLeafKey)
	return data
}

// annotations are the Secret's new ones: since when the next authority is
// published, and whatever else was there.
func (c *content) annotations(old map[string]string) map[string]string {
	annotations := maps.Clone(old)
	delete(annotations, AnnotationPublished)
	if !c.published.IsZero() {
		if annotations == nil {
			annotations = map[string]string{}
		}
		// With its fractions: rounded down, it would shorten the grace.
		annotations[AnnotationPublished] = c.published.UTC().Format(time.RFC3339Nano)
	}
	return annotations
}
