package webhooktest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// Authority signs certificates as an administrator or cert-manager does.
type Authority struct {
	// PEM is its certificate, for a bundle.
	PEM  []byte
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// life is for how long before and after now a NewAuthority is valid.
const life = time.Hour

// NewAuthority makes one that signs itself.
func NewAuthority(t *testing.T) Authority {
	t.Helper()
	return NewAuthorityFor(t, "test-ca", time.Now().Add(-life), time.Now().Add(life))
}

// NewAuthorityFor makes one that is valid for that time, as all that it issues is.
func NewAuthorityFor(t *testing.T, name string, since, until time.Time) Authority {
	t.Helper()
	return selfSigned(t, newKey(t), name, since, until)
}

// Renewed is a new certificate of the same authority, with the same key, for another
// life from now.
func (a Authority) Renewed(t *testing.T) Authority {
	t.Helper()
	return selfSigned(t, a.key, a.cert.Subject.CommonName, time.Now().Add(-life), time.Now().Add(life))
}

// Issue gives a certificate for names or addresses, and its key, as tls.crt and tls.key.
func (a Authority) Issue(t *testing.T, names ...string) (cert, key []byte) {
	t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: names[0]}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore:   a.cert.NotBefore, NotAfter: a.cert.NotAfter,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	own := newKey(t)
	der, err := x509.MarshalECPrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return encode(sign(t, template, a.cert, own, a.key)), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

func selfSigned(t *testing.T, key *ecdsa.PrivateKey, name string, since, until time.Time) Authority {
	t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
		NotBefore: since, NotAfter: until,
	}
	cert := sign(t, template, template, key, key)
	return Authority{PEM: encode(cert), cert: cert, key: key}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func encode(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
