package certs

import (
	"bytes"
	"crypto/tls"
	"errors"
	"sync"
	"time"
)

// Reasons of Ready.
var (
	ErrNoLeaf    = errors.New("no certificate is loaded")
	ErrExpired   = errors.New("the certificate has expired")
	ErrUntrusted = errors.New("the webhook's configuration does not trust the certificate yet")
)

// served is the leaf that is shown to clients. It is safe for concurrent use.
type served struct {
	mu   sync.RWMutex
	leaf *tls.Certificate
	// bundles are those that the API server has.
	bundles [][]byte
	// waiting is the leaf that will replace leaf, and since when it is trusted.
	waiting      *tls.Certificate
	waitingSince time.Time
}

// offer takes in a leaf and the bundles as they are now. The newest trusted leaf
// is served. While the present one can still be, one of another authority has to
// be trusted for the grace first, for an API server can be behind. It says how
// long that takes yet; zero when there is nothing to wait for.
func (s *served) offer(now time.Time, grace time.Duration, leaf *tls.Certificate, bundles [][]byte) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bundles = bundles
	if leaf == nil || same(leaf, s.leaf) || !trusted(bundles, leaf, now) {
		s.waiting = nil
		return 0
	}
	if s.leaf != nil && trusted(bundles, s.leaf, now) && !bytes.Equal(s.leaf.Leaf.AuthorityKeyId, leaf.Leaf.AuthorityKeyId) {
		if !same(leaf, s.waiting) {
			s.waiting, s.waitingSince = leaf, now
		}
		if left := grace - now.Sub(s.waitingSince); left > 0 {
			return left
		}
	}
	s.leaf, s.waiting = leaf, nil
	return 0
}

func same(a, b *tls.Certificate) bool { return a != nil && b != nil && a.Leaf.Equal(b.Leaf) }

// certificate is for tls.Config.GetCertificate.
func (s *served) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.leaf == nil {
		return nil, ErrNoLeaf
	}
	return s.leaf, nil
}

func (s *served) ready(now time.Time) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case s.leaf == nil:
		return ErrNoLeaf
	case !valid(s.leaf.Leaf, now):
		return ErrExpired
	case !trusted(s.bundles, s.leaf, now):
		return ErrUntrusted
	}
	return nil
}

// expiry is when the leaf expires, and when the first of the authorities does that
// make the API server trust it. Each is zero without one.
func (s *served) expiry(now time.Time) (leaf, authority time.Time) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.leaf == nil {
		return time.Time{}, time.Time{}
	}
	authority, _ = trustedUntil(s.bundles, s.leaf, now) // Ready tells why not
	return s.leaf.Leaf.NotAfter, authority
}
