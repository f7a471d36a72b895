package check

import (
	"testing"
	"time"
)

// TestDaysToExpiry has a certificate that lasts as long as its authority.
func TestDaysToExpiry(t *testing.T) {
	for what, test := range map[string]struct {
		since, left time.Duration
		want        state
	}{
		"two weeks and a bit":               {76 * day, 14*day + time.Minute, ok},
		"two weeks":                         {76 * day, 14 * day, warning},
		"an hour":                           {90 * day, time.Hour, warning},
		"none":                              {90 * day, 0, failed},
		"most of a short life":              {day, 6 * day, ok},
		"the last sixth of a short life":    {6 * day, day, warning},
		"a little more than the last sixth": {6 * day, day + day/4, ok},
	} {
		t.Run(what, func(t *testing.T) {
			s := healthy(t)
			bundle, certificate, key := issue(t, now.Add(-test.since), now.Add(test.left))
			configure(s, bundle)
			s.secret.value.Data = map[string][]byte{"tls.crt": certificate, "tls.key": key}
			for _, r := range []result{s.authorities(now), s.certificate(now)} {
				if r.state != test.want || (r.next == nil) != (r.state == ok) {
					t.Errorf("%s is %s: %s", r.what, r.state, r.message)
				}
			}
		})
	}
}
