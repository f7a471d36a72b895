package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// authorityName is the common name of every authority made here. It tells them
// from others in a bundle.
const authorityName = "leaseholder-webhook-ca"

const (
	pemCertificate = "CERTIFICATE"
	pemKey         = "EC PRIVATE KEY"
)

// pair is a certificate with its key, ECDSA on P-256.
type pair struct {
	cert            *x509.Certificate
	key             *ecdsa.PrivateKey
	tls             *tls.Certificate
	certPEM, keyPEM []byte
}

// served is the pair as a server shows it; nil without one.
func (p *pair) served() *tls.Certificate {
	if p == nil {
		return nil
	}
	return p.tls
}

// newAuthority makes a CA that signs itself.
func newAuthority(now time.Time, lifetime time.Duration) (*pair, error) {
	return sign(nil, &x509.Certificate{
		Subject:               pkix.Name{CommonName: authorityName},
		NotBefore:             now.Add(-skew(lifetime)),
		NotAfter:              now.Add(lifetime),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign,
	})
}

// newLeaf makes a server's certificate for the names, of which the first must
// be the main one. It never outlives ca.
func newLeaf(ca *pair, now time.Time, lifetime time.Duration, names []string) (*pair, error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: commonName(names[0])},
		NotBefore:   now.Add(-skew(lifetime)),
		NotAfter:    now.Add(lifetime),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if template.NotBefore.Before(ca.cert.NotBefore) {
		template.NotBefore = ca.cert.NotBefore
	}
	if template.NotAfter.After(ca.cert.NotAfter) {
		template.NotAfter = ca.cert.NotAfter
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	return sign(ca, template)
}

// commonName is cut to what a certificate allows; nobody reads it but people.
func commonName(name string) string { return name[:min(len(name), 64)] }

// sign makes a key and has its certificate signed by ca, or by itself without
// one.
func sign(ca *pair, template *x509.Certificate) (*pair, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	template.SerialNumber = serial.Add(serial, big.NewInt(1))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate a key: %w", err)
	}
	parent, signer := template, key
	if ca != nil {
		parent, signer = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, fmt.Errorf("sign %q: %w", template.Subject.CommonName, err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode the key of %q: %w", template.Subject.CommonName, err)
	}
	return readPair(
		pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: keyDER}))
}

// readPair reads what sign wrote. A certificate and a key that do not belong
// together are an error.
func readPair(certPEM, keyPEM []byte) (*pair, error) {
	both, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, err
	}
	key, ok := both.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("the key is not ECDSA")
	}
	return &pair{cert: both.Leaf, key: key, tls: &both, certPEM: certPEM, keyPEM: keyPEM}, nil
}

// valid says whether now lies in the certificate's time.
func valid(c *x509.Certificate, now time.Time) bool {
	return !now.Before(c.NotBefore) && now.Before(c.NotAfter)
}

// signedBy says whether an authority signed the certificate.
func signedBy(c, authority *x509.Certificate) bool {
	return authority.IsCA && bytes.Equal(c.RawIssuer, authority.RawSubject) && c.CheckSignatureFrom(authority) == nil
}

// coversNames says whether the certificate is good for every one of the names.
func coversNames(c *x509.Certificate, names []string) bool {
	for _, name := range names {
		if c.VerifyHostname(name) != nil {
			return false
		}
	}
	return true
}
