package main

import (
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/leaseholder-dev/leaseholder/cmd/internal/settings"
	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// options are what serve needs, checked.
type options struct {
	sidecar injector.Settings

	podName, podUID, namespace string
	kubeconfig                 string

	webhookPort, healthPort, metricsPort int
	service, webhookConfiguration        string
	certificateSecret                    string
	certificatesGiven                    bool
	election                             string
	rightsManaged                        bool
	unusedAfter, shutdownDelay           time.Duration
	logLevel                             slog.Level
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
		certificatesGiven:    c.OneOf("--certificates", f.certificates, selfManaged, given) == given,
		election:             c.label("--election", f.election),
		rightsManaged:        c.OneOf("--rights", f.rights, managed, none) == managed,
		unusedAfter:          c.duration("--unused-after", f.unusedAfter, time.Second),
		shutdownDelay:        c.duration("--shutdown-delay", f.shutdownDelay, 0),
		logLevel:             c.Level("--log-level", f.logLevel),
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

func (c *completer) duration(name, value string, least time.Duration) time.Duration {
	d, err := time.ParseDuration(value)
	if err != nil || d < least {
		c.Refuse(name, value, "a Go duration of at least %s", least)
	}
	return d
}
