package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/leaseholder-dev/leaseholder/cmd/internal/settings"
	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/certs"
)

// options are what serve needs, checked.
type options struct {
	sidecar injector.Settings

	podName, podUID, namespace string
	kubeconfig                 string

	webhookPort, healthPort, metricsPort int
	service, webhookConfiguration        string
	certificateSecret                    string
	certificates                         certs.Mode
	lifetimes                            certs.Lifetimes // none are the defaults; no flag sets them
	// clientCA is nil where everybody is answered.
	clientCA                   *x509.CertPool
	election                   string
	rightsManaged              bool
	unusedAfter, shutdownDelay time.Duration
	logLevel                   slog.Level
	// memoryLimit is the container's, in bytes; 0 when it is not known.
	memoryLimit int64
}

// complete reads what the flags and the environment say. The error names every
// fault.
func (f *flags) complete(getenv func(string) string) (options, error) {
	var c completer
	o := options{
		sidecar:              f.sidecar.Complete(&c.Reader),
		podName:              c.Required("POD_NAME", getenv("POD_NAME")),
		podUID:               c.Required("POD_UID", getenv("POD_UID")),
		namespace:            c.Required("POD_NAMESPACE", getenv("POD_NAMESPACE")),
		kubeconfig:           getenv("KUBECONFIG"),
		webhookPort:          c.port("--webhook-port", f.webhookPort),
		healthPort:           c.port("--health-port", f.healthPort),
		metricsPort:          c.port("--metrics-port", f.metricsPort),
		service:              c.label("--service", f.service),
		webhookConfiguration: c.Required("--webhook-configuration", f.webhookConfiguration),
		certificateSecret:    c.Required("--certificate-secret", f.certificateSecret),
		clientCA:             c.authorities("--client-ca", f.clientCA),
		certificates:         certs.Mode(c.OneOf("--certificates", f.certificates, modes...)),
		election:             c.label("--election", f.election),
		rightsManaged:        c.OneOf("--rights", f.rights, managed, none) == managed,
		unusedAfter:          c.duration("--unused-after", f.unusedAfter, time.Second),
		shutdownDelay:        c.duration("--shutdown-delay", f.shutdownDelay, 0),
		logLevel:             c.Level("--log-level", f.logLevel),
		memoryLimit:          c.bytes("MEMORY_LIMIT", getenv("MEMORY_LIMIT")),
	}
	o.sidecar.APIServer = apiServer(getenv)
	return o, errors.Join(c.Faults...)
}

// completer reads what only this command has.
type completer struct{ settings.Reader }

func (c *completer) label(name, value string) string {
	if !config.ValidElection(value) {
		c.Refuse(name, value, config.ElectionAllowed)
	}
	return value
}

func (c *completer) port(name, value string) int {
	n, err := strconv.ParseUint(value, 10, 16)
	if err != nil || n == 0 {
		c.Refuse(name, value, "1 to 65535")
	}
	return int(n)
}

func (c *completer) bytes(name, value string) int64 {
	if value == "" {
		return 0
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n <= 0 {
		c.Refuse(name, value, "a number of bytes")
	}
	return n
}

func (c *completer) duration(name, value string, least time.Duration) time.Duration {
	d, err := time.ParseDuration(value)
	if err != nil || d < least {
		c.Refuse(name, value, "a Go duration of at least %s", least)
	}
	return d
}

// authorities are the certificates of a PEM text; nil for an empty one.
func (c *completer) authorities(name, value string) *x509.CertPool {
	if value == "" {
		return nil
	}
	pool := x509.NewCertPool()
	for rest := []byte(strings.TrimSpace(value)); len(rest) > 0; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			c.Refuse(name, value, "certificates in PEM and nothing else")
			return nil
		}
		authority, err := x509.ParseCertificate(block.Bytes)
		if err != nil || !authority.IsCA {
			c.Refuse(name, value, "certificates of authorities (CA:TRUE) that can be read")
			return nil
		}
		pool.AddCert(authority)
	}
	return pool
}
