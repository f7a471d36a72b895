package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"time"

	"github.com/leaseholder-dev/leaseholder/webhook/certs/trust"
)

// keptExpired is how many of our authorities a bundle keeps at least, expired or not.
// Nobody trusts an expired one, and one that has expired by a clock that is wrong is
// still needed.
const keptExpired = 3

// nextBundle is what a bundle has to be: the wanted authorities, and those of
// ours that stand there and have not expired. To keep them makes a replica that
// knows an older Secret harmless, and lets every replica go on serving an old
// leaf for as long as it has to.
func nextBundle(now time.Time, present []byte, wanted []*x509.Certificate) []byte {
	var out bytes.Buffer
	seen := map[string]bool{}
	add := func(c *x509.Certificate) {
		if !seen[string(c.Raw)] {
			seen[string(c.Raw)] = true
			_ = pem.Encode(&out, &pem.Block{Type: pemCertificate, Bytes: c.Raw}) // a buffer takes everything
		}
	}
	kept := ours(now, trust.Read(present))
	if all(wanted, func(c *x509.Certificate) bool { return contains(kept, c) }) {
		wanted = nil // leave an order that is right as it is, so that replicas agree
	}
	for _, c := range wanted {
		add(c)
	}
	for _, c := range kept {
		add(c)
	}
	return out.Bytes()
}

// ours are the authorities of ours that stay, in their order.
func ours(now time.Time, certs []*x509.Certificate) []*x509.Certificate {
	certs = slices.DeleteFunc(certs, func(c *x509.Certificate) bool { return c.Subject.CommonName != authorityName })
	return slices.DeleteFunc(slices.Clone(certs), func(c *x509.Certificate) bool {
		newer := 0
		for _, other := range certs {
			if other.NotAfter.After(c.NotAfter) {
				newer++
			}
		}
		return newer >= keptExpired && !now.Before(c.NotAfter)
	})
}

// publishedIn says whether an authority stands in every one of the bundles, of
// which there must be one.
func publishedIn(bundles [][]byte, authority *x509.Certificate) bool {
	return len(bundles) > 0 && all(bundles, func(b []byte) bool { return contains(trust.Read(b), authority) })
}

// trustedUntil is when the first of the authorities expires that make the API
// server trust the leaf, one in every bundle. The error says why it would not accept
// the leaf now.
func trustedUntil(bundles [][]byte, leaf *tls.Certificate, now time.Time) (time.Time, error) {
	if len(bundles) == 0 {
		return time.Time{}, trust.ErrEmptyBundle
	}
	shown := []*x509.Certificate{leaf.Leaf}
	for _, der := range leaf.Certificate[1:] {
		if c, err := x509.ParseCertificate(der); err == nil {
			shown = append(shown, c)
		}
	}
	var until time.Time
	for _, b := range bundles {
		authority, err := trust.Authority(b, shown, "", now) // names are judged when it is read
		if err != nil {
			return time.Time{}, err
		}
		if until.IsZero() || authority.NotAfter.Before(until) {
			until = authority.NotAfter
		}
	}
	return until, nil
}

// trusted says whether the API server would accept the leaf now.
func trusted(bundles [][]byte, leaf *tls.Certificate, now time.Time) bool {
	_, err := trustedUntil(bundles, leaf, now)
	return err == nil
}

func contains(certs []*x509.Certificate, wanted *x509.Certificate) bool {
	for _, c := range certs {
		if c.Equal(wanted) {
			return true
		}
	}
	return false
}

func all[T any](list []T, ok func(T) bool) bool {
	for _, v := range list {
		if !ok(v) {
			return false
		}
	}
	return true
}
