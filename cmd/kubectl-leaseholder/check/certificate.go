package check

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/leaseholder-dev/leaseholder/webhook/certs"
	"github.com/leaseholder-dev/leaseholder/webhook/certs/trust"
)

const day = 24 * time.Hour

// metric tells when the certificate expires that a replica serves.
const metric = "leaseholder_certificate_expiration_timestamp_seconds"

// soon is how long before a certificate's end it is warned of. Whatever keeps the
// certificate renews it when a third of its lifetime is left, 30 of 90 days: two weeks
// before the end that has not worked for two weeks, and there are two more to mend it.
const soon = 14 * day

// renewBy is when a certificate should have been renewed for long: soon before its
// end, or for one of a few days, in the last sixth of its lifetime.
func renewBy(c *x509.Certificate) time.Time {
	const sixth = 6
	return c.NotAfter.Add(-min(soon, c.NotAfter.Sub(c.NotBefore)/sixth))
}

// authorities judges the authorities in all bundles. One that is about to expire is
// as it should be while a later one stands beside it, so the last of each bundle counts.
func (s *snapshot) authorities(now time.Time) result {
	const what = "Authorities"
	if s.mutating.err != nil && s.validating.err != nil {
		return unreadable(what, "webhook configurations", s.mutating.err)
	}
	_, hooks := s.podHooks()
	_, others := s.workloadHooks()
	var all []*x509.Certificate
	r := result{what: what, state: ok}
	var ending, ended []string
	for _, h := range append(hooks, others...) {
		found := trust.Read(h.bundle)
		if len(found) == 0 {
			continue // see the webhooks
		}
		for _, c := range found {
			if !slices.ContainsFunc(all, c.Equal) {
				all = append(all, c)
			}
		}
		last := slices.MaxFunc(found, byEnd)
		switch {
		case !now.Before(last.NotAfter):
			ended = append(ended, h.name)
		case !now.Before(renewBy(last)):
			ending = append(ending, h.name)
		}
	}
	slices.SortFunc(all, byEnd)
	for _, c := range all {
		r.details = append(r.details, fmt.Sprintf("%s %s", c.Subject.CommonName, untilEnd(c, now)))
	}
	const next = "see why they are not renewed: in the log of the webhook's pods, at cert-manager, or with whoever provides them"
	switch {
	case len(all) == 0:
		r.state, r.message, r.next = failed, "there is none: the API server trusts no certificate of the webhook", []string{notTrusted}
	case len(ended) > 0:
		r.state, r.message, r.next = failed, "all have expired in the CA bundle of "+strings.Join(ended, ", "), []string{next}
	case len(ending) > 0:
		r.state, r.message, r.next = warning, "the last one expires soon in the CA bundle of "+strings.Join(ending, ", "), []string{next}
	default:
		r.message = fmt.Sprintf("%d in the CA bundles, the first %s", len(all), untilEnd(all[0], now))
	}
	return r
}

// certificate judges what is served.
func (s *snapshot) certificate(now time.Time) result {
	const what = "Certificate"
	name := fmt.Sprintf("Secret %s/%s", s.system, s.settings().secret)
	const next = "see the log of the webhook's pods, or whoever keeps the certificate in their place"
	switch {
	case s.system == "":
		return s.notFound(what)
	case apierrors.IsForbidden(s.secret.err):
		return result{
			what: what, state: unknown, message: "you may not read " + name + ", which holds a key",
			next: []string{"see when it expires in the metric " + metric + ", at port 8080 of the webhook's pods: " +
				"kubectl port-forward -n " + s.system + " deployment/" + s.deploymentName() + " 8080"},
		}
	case s.secret.err != nil:
		return unreadable(what, name, s.secret.err)
	case s.secret.value == nil:
		return failf(what, "upgrade the release, or make the Secret if the certificate is your own", "there is no %s", name)
	}
	data := s.secret.value.Data
	pair, err := tls.X509KeyPair(data[certs.KeyLeaf], data[certs.KeyLeafKey])
	if err != nil {
		return failf(what, next, "%s holds none that can be used: %v", name, err)
	}
	leaf := pair.Leaf
	if !now.Before(leaf.NotAfter) {
		return failf(what, next, "that in %s %s", name, untilEnd(leaf, now))
	}
	_, hooks := s.podHooks()
	if distrusting := namesOf(hooks, func(h hook) bool { return !trusts(h.bundle, trust.Read(data[certs.KeyLeaf]), now) }); distrusting != "" {
		return failf(what, next, "that in %s is not trusted by the CA bundle of %s", name, distrusting)
	}
	if !now.Before(renewBy(leaf)) {
		return warnf(what, next, "that in %s %s, and should have been renewed", name, untilEnd(leaf, now))
	}
	if s.mutating.value != nil && len(hooks) == 0 {
		return result{
			what: what, state: unknown, message: fmt.Sprintf("that in %s %s; there is no webhook for pods whose CA bundle could trust it", name, untilEnd(leaf, now)),
			next: []string{"see " + podsWhat},
		}
	}
	if s.mutating.value == nil {
		return okf(what, "that in %s %s; the CA bundles could not be read", name, untilEnd(leaf, now))
	}
	return okf(what, "that in %s is trusted by the CA bundles, and %s", name, untilEnd(leaf, now))
}

// trusts says whether a bundle leads to the certificate.
func trusts(bundle []byte, served []*x509.Certificate, now time.Time) bool {
	_, err := trust.Authority(bundle, served, "", now)
	return err == nil
}

func byEnd(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) }

// untilEnd completes a sentence about a certificate.
func untilEnd(c *x509.Certificate, now time.Time) string {
	end := c.NotAfter.UTC().Format(time.DateOnly)
	if left := c.NotAfter.Sub(now); left > 0 {
		return fmt.Sprintf("expires in %d days, on %s", left/day, end)
	}
	return fmt.Sprintf("expired %d days ago, on %s", now.Sub(c.NotAfter)/day, end)
}
