package trust

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"
)

var now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const name = "webhook.system.svc"

// signed is a certificate with the key that signs others.
type signed struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func (s signed) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: s.cert.Raw})
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign makes an authority, or a leaf for the name, that is valid for as long.
func sign(t *testing.T, by *signed, key *ecdsa.PrivateKey, authority bool, valid time.Duration) signed {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, BasicConstraintsValid: true, IsCA: authority,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(valid),
	}
	if !authority {
		template.Subject.CommonName, template.DNSNames = name, []string{name}
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
		if authority {
			template.Subject.CommonName = "between"
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return signed{cert, key}
}

func TestAuthority(t *testing.T) {
	const day = 24 * time.Hour
	ca := sign(t, nil, newKey(t), true, 100*day)
	renewed := sign(t, nil, ca.key, true, 200*day)
	stranger := sign(t, nil, newKey(t), true, 100*day)
	between := sign(t, &ca, newKey(t), true, 50*day)
	leaf := sign(t, &ca, newKey(t), false, 10*day)
	deep := sign(t, &between, newKey(t), false, 10*day)
	for title, c := range map[string]struct {
		bundle []byte
		served []*x509.Certificate
		name   string
		at     time.Time
		want   *x509.Certificate
		refuse func(error) bool
	}{
		"its authority":                      {ca.pem(), Read(leaf.pem()), name, now, ca.cert, nil},
		"the name is not judged":             {ca.pem(), Read(leaf.pem()), "", now, ca.cert, nil},
		"among others and what is no PEM":    {slices.Concat([]byte("?\n"), stranger.pem(), ca.pem()), Read(leaf.pem()), name, now, ca.cert, nil},
		"renewed with its key":               {renewed.pem(), Read(leaf.pem()), name, now, renewed.cert, nil},
		"of two, the one that lasts longest": {slices.Concat(ca.pem(), renewed.pem()), Read(leaf.pem()), name, now, renewed.cert, nil},
		"through one between":                {ca.pem(), Read(slices.Concat(deep.pem(), between.pem())), name, now, ca.cert, nil},
		"without the one between":            {ca.pem(), Read(deep.pem()), name, now, nil, isA[x509.UnknownAuthorityError]},
		"a stranger":                         {stranger.pem(), Read(leaf.pem()), name, now, nil, isA[x509.UnknownAuthorityError]},
		"another name":                       {ca.pem(), Read(leaf.pem()), "other.svc", now, nil, isA[x509.HostnameError]},
		"expired":                            {ca.pem(), Read(leaf.pem()), name, now.Add(11 * day), nil, isA[x509.CertificateInvalidError]},
		"no certificate":                     {ca.pem(), nil, name, now, nil, is(ErrNoCertificate)},
		"an empty bundle":                    {[]byte("?"), Read(leaf.pem()), name, now, nil, is(ErrEmptyBundle)},
	} {
		t.Run(title, func(t *testing.T) {
			got, err := Authority(c.bundle, c.served, c.name, c.at)
			if c.refuse != nil {
				if !c.refuse(err) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || !got.Equal(c.want) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func is(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
