package webhooktest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api/v1"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"
)

// Callers are an authority for those who call the webhook.
type Callers struct {
	// PEM is the authority's certificate.
	PEM []byte

	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewCallers makes an authority.
func NewCallers() (*Callers, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "callers of the webhook"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &Callers{PEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), cert: cert, key: key}, nil
}

// Sign gives a caller's certificate and key, in PEM.
func (c *Callers) Sign() (cert, key []byte, err error) {
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "kube-apiserver"},
		NotBefore: c.cert.NotBefore, NotAfter: c.cert.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.cert, &own.PublicKey, c.key)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalECPrivateKey(own)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}), nil
}

// Certificate gives a caller's certificate for a TLS client.
func (c *Callers) Certificate() (tls.Certificate, error) {
	cert, key, err := c.Sign()
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(cert, key)
}

// identify gives the API server a certificate for webhooks that ask for one.
func identify(environment *envtest.Environment) (c *Callers, clean func(), err error) {
	dir, err := os.MkdirTemp("", "webhooktest-")
	if err != nil {
		return nil, nil, err
	}
	clean = func() { _ = os.RemoveAll(dir) }
	if c, err = NewCallers(); err == nil {
		var file string
		file, err = c.configure(dir)
		environment.ControlPlane.GetAPIServer().Configure().Set("admission-control-config-file", file)
	}
	if err != nil {
		clean()
	}
	return c, clean, err
}

// configure writes the file of --admission-control-config-file, by which the API server
// shows a certificate to webhooks that ask for one.
func (c *Callers) configure(dir string) (file string, err error) {
	cert, key, err := c.Sign()
	if err != nil {
		return "", err
	}
	kubeconfig := filepath.Join(dir, "webhooks.kubeconfig")
	file = filepath.Join(dir, "admission.yaml")
	for path, content := range map[string]any{
		kubeconfig: clientcmdapi.Config{
			APIVersion: "v1", Kind: "Config",
			// In a cluster, the name is that of the Service, as docs/security.md has it. Here its port
			// is another one in every test.
			AuthInfos: []clientcmdapi.NamedAuthInfo{{Name: "*", AuthInfo: clientcmdapi.AuthInfo{ClientCertificateData: cert, ClientKeyData: key}}},
		},
		file: map[string]any{
			"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AdmissionConfiguration",
			"plugins": []any{pluginConfiguration("MutatingAdmissionWebhook", kubeconfig), pluginConfiguration("ValidatingAdmissionWebhook", kubeconfig)},
		},
	} {
		text, err := yaml.Marshal(content)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return "", fmt.Errorf("write the API server's configuration: %w", err)
		}
	}
	return file, nil
}

func pluginConfiguration(name, kubeconfig string) map[string]any {
	return map[string]any{"name": name, "configuration": map[string]any{
		"apiVersion": "apiserver.config.k8s.io/v1", "kind": "WebhookAdmissionConfiguration", "kubeConfigFile": kubeconfig,
	}}
}
