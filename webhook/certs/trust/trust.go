// Package trust judges the webhook's certificate as the API server does, from what
// stands in the Secret and in the webhook configurations. It knows no cluster, clock
// or state, and is for whoever has read these: the webhook itself, and
// `kubectl leaseholder check`.
//
// The Secret's keys tls.crt and ca.crt, and every caBundle, are PEM, which Read
// reads. When Authority gives one for each of the bundles, the webhook can be
// called; it stops when the first of these and of what is served expires.
package trust

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// Reasons of Authority. All others are those of crypto/x509.
var (
	ErrNoCertificate = errors.New("there is no certificate")
	ErrEmptyBundle   = errors.New("the bundle holds no certificate")
)

const pemCertificate = "CERTIFICATE"

// Read gives the certificates of a PEM text, in its order. What can't be read is
// left out.
func Read(data []byte) []*x509.Certificate {
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

// Authority is the certificate of the bundle that makes a client trust what is
// served: the leaf first, then what stands between it and the authority, as tls.crt
// has them. Of several it is the one that is valid for longest. The error says why a
// client that calls the server by the name would refuse it now; an empty name is not
// judged.
func Authority(bundle []byte, served []*x509.Certificate, name string, now time.Time) (*x509.Certificate, error) {
	if len(served) == 0 {
		return nil, ErrNoCertificate
	}
	trusted := Read(bundle)
	if len(trusted) == 0 {
		return nil, ErrEmptyBundle
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range trusted {
		roots.AddCert(c)
	}
	for _, c := range served[1:] {
		between.AddCert(c)
	}
	chains, err := served[0].Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: between, CurrentTime: now})
	if err != nil {
		return nil, fmt.Errorf("verify the certificate: %w", err)
	}
	var longest *x509.Certificate
	for _, chain := range chains {
		if root := chain[len(chain)-1]; longest == nil || root.NotAfter.After(longest.NotAfter) {
			longest = root
		}
	}
	return longest, nil
}
