package certs

import (
	"crypto/x509"
	"maps"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestMetricsTellWhenTheFirstCertificateExpires(t *testing.T) {
	s := &store{t: t}
	c := s.settle(begin)
	k := &Keeper{o: Options{Now: func() time.Time { return begin }}}
	r := prometheus.NewRegistry()
	if err := k.Register(r); err != nil {
		t.Fatal(err)
	}
	want := func(when string, leaf, authority, kept float64) {
		t.Helper()
		families, err := r.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, f := range families {
			got[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue()
		}
		if !maps.Equal(got, map[string]float64{
			"leaseholder_certificate_expiration_timestamp_seconds":           leaf,
			"leaseholder_certificate_authority_expiration_timestamp_seconds": authority,
			"leaseholder_certificate_kept":                                   kept,
		}) {
			t.Errorf("%s: %v", when, got)
		}
	}
	want("before the first leaf", 0, 0, 0)

	leaf, authority := seconds(c.leaf.cert.NotAfter), seconds(c.ca.cert.NotAfter)
	k.kept.Store(true)
	k.served.offer(begin, time.Minute, c.leaf.tls, [][]byte{s.bundle})
	want("with a leaf", leaf, authority, 1)

	longer, err := newAuthority(begin, 2*testLifetimes.CA)
	if err != nil {
		t.Fatal(err)
	}
	both := nextBundle(begin, s.bundle, []*x509.Certificate{longer.cert})
	k.served.offer(begin, time.Minute, c.leaf.tls, [][]byte{both, s.bundle})
	want("with another authority in one bundle", leaf, authority, 1)

	k.served.offer(begin, time.Minute, c.leaf.tls, [][]byte{s.bundle, longer.certPEM})
	want("with a bundle that lacks it", leaf, 0, 1)
}
