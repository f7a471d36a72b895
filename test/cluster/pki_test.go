package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
)

func TestIssuedCertificates(t *testing.T) {
	own, err := newAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	other, err := newAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := own.issue(subject{
		name: "system:node:node-0", groups: []string{"system:nodes"},
		hosts: []string{"node-0"}, addresses: []net.IP{net.IPv4(198, 18, 0, 10)},
	})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := tls.X509KeyPair(pair.certificate, pair.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf := loaded.Leaf
	if leaf.Subject.CommonName != "system:node:node-0" || leaf.Subject.Organization[0] != "system:nodes" {
		t.Errorf("the certificate is %s's", leaf.Subject)
	}

	for name, test := range map[string]struct {
		signer *authority
		host   string
		usage  x509.ExtKeyUsage
		valid  bool
	}{
		"a server is known by its name":               {own, "node-0", x509.ExtKeyUsageServerAuth, true},
		"a server is known by its address":            {own, "198.18.0.10", x509.ExtKeyUsageServerAuth, true},
		"a client is known":                           {own, "", x509.ExtKeyUsageClientAuth, true},
		"a server is not known by another's address":  {own, "198.18.0.11", x509.ExtKeyUsageServerAuth, false},
		"an authority of the same name is not enough": {other, "", x509.ExtKeyUsageClientAuth, false},
	} {
		t.Run(name, func(t *testing.T) {
			roots := x509.NewCertPool()
			roots.AddCert(test.signer.certificate)
			_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: test.host, KeyUsages: []x509.ExtKeyUsage{test.usage}})
			if (err == nil) != test.valid {
				t.Errorf("verifying gives the error %v", err)
			}
		})
	}
}
