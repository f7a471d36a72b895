package certs

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Register adds what is worth an alert about the certificate:
//
//   - leaseholder_certificate_expiration_timestamp_seconds, when the served leaf
//     expires, 0 without one;
//   - leaseholder_certificate_authority_expiration_timestamp_seconds, when the first
//     authority expires by which the API server trusts it, 0 while it does not;
//   - leaseholder_certificate_kept, 1 when all that was due at the last look could
//     be done, else 0: the Secret is gone or can't be used or written, or a configuration.
func (k *Keeper) Register(r prometheus.Registerer) error {
	gauge := func(name, help string, value func() float64) error {
		return r.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	err := errors.Join(
		gauge("leaseholder_certificate_expiration_timestamp_seconds",
			"When the certificate that this replica serves expires; 0 without one.",
			func() float64 {
				leaf, _ := k.served.expiry(k.o.Now())
				return seconds(leaf)
			}),
		gauge("leaseholder_certificate_authority_expiration_timestamp_seconds",
			"When the first of the authorities expires by which the API server trusts that certificate; 0 while it does not.",
			func() float64 {
				_, authority := k.served.expiry(k.o.Now())
				return seconds(authority)
			}),
		gauge("leaseholder_certificate_kept",
			"1 when all that was due about the certificate could be done at the last look, else 0; the log says why.",
			func() float64 {
				if k.kept.Load() {
					return 1
				}
				return 0
			}),
	)
	if err != nil {
		return fmt.Errorf("register the gauges of the certificate: %w", err)
	}
	return nil
}

// seconds is a time as Prometheus has them; zero is 0.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.Unix())
}
