package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"time"
)

// readBundle gives the certificates of a bundle. What can't be read is left out.
func readBundle(data []byte) []*x509.Certificate {
	var certs []*x509.Certificate
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return certs
		}
		if block.Type != pemCertificate {
			continue
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			certs = append(certs, c)
		}
	}
}

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
	kept := readBundle(present)
	if all(wanted, func(c *x509.Certificate) bool { return contains(kept, c) }) {
		wanted = nil // leave an order that is right as it is, so that replicas agree
	}
	for _, c := range wanted {
		add(c)
	}
	for _, c := range kept {
		if c.Subject.CommonName == authorityName && now.Before(c.NotAfter) {
			add(c)
		}
	}
	return out.Bytes()
}

// publishedIn says whether an authority stands in every one of the bundles, of
// which there must be one.
func publishedIn(bundles [][]byte, authority *x509.Certificate) bool {
	return len(bundles) > 0 && all(bundles, func(b []byte) bool { return contains(readBundle(b), authority) })
}

// trusted says whether the API server would accept the leaf now: in every
// bundle, of which there must be one, stands an authority that it leads to.
func trusted(bundles [][]byte, leaf *tls.Certificate, now time.Time) bool {
	between := x509.NewCertPool()
	for _, der := range leaf.Certificate[1:] {
		if c, err := x509.ParseCertificate(der); err == nil {
			between.AddCert(c)
		}
	}
	return len(bundles) > 0 && all(bundles, func(b []byte) bool {
		roots := x509.NewCertPool()
		for _, c := range readBundle(b) {
			roots.AddCert(c)
		}
		_, err := leaf.Leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now})
		return err == nil
	})
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
