package certs

import (
	"crypto/x509"
	"errors"
	"time"
)

// Lifetimes say how long certificates are valid and when they are replaced.
type Lifetimes struct {
	// CA is the authority's; default 1 year.
	CA time.Duration
	// Leaf is the served certificate's, cut where the authority ends; default 90
	// days.
	Leaf time.Duration
	// Grace is how long a new authority is published before it signs anything: it
	// has to exceed the time that the API servers take to see a changed
	// configuration, and by how much the replicas' clocks differ: one notes when it
	// began, and another judges when it is over. Default 10 minutes.
	Grace time.Duration
	// Used is the part of its lifetime after which a certificate is replaced, more than
	// 0 and less than 1. Default 2/3.
	Used float64
}

const mostlyUsed = 2. / 3

// DefaultLifetimes are what the fields of Lifetimes say.
func DefaultLifetimes() Lifetimes {
	const day = 24 * time.Hour
	return Lifetimes{CA: 365 * day, Leaf: 90 * day, Grace: 10 * time.Minute, Used: mostlyUsed}
}

// Validate refuses lifetimes with which renewal could come too late: the grace
// must fit into what remains of an authority when the next is made, and of a leaf when
// the next waits to be served.
func (l Lifetimes) Validate() error {
	var errs []error
	if l.Leaf < time.Second || l.CA < time.Second || l.Grace <= 0 {
		errs = append(errs, errors.New("lifetimes must be at least a second, and the grace more than nothing"))
	}
	if l.Leaf > l.CA {
		errs = append(errs, errors.New("a leaf can't live longer than its authority"))
	}
	if l.used() <= 0 || l.used() >= 1 {
		errs = append(errs, errors.New("the part of a lifetime that is used must be more than 0 and less than 1"))
	}
	if rest := float64(l.Leaf) * (1 - l.used()); float64(l.Grace) >= rest {
		errs = append(errs, errors.New("the grace must be less than what is left of a leaf's lifetime when it is replaced"))
	}
	return errors.Join(errs...)
}

// maxSkew is by how much the API server's clock may be behind this one's
// without a new certificate being "not yet valid" there.
const maxSkew = 5 * time.Minute

// skew dates a certificate back, short ones by less.
func skew(lifetime time.Duration) time.Duration { return min(maxSkew, lifetime/10) }

func (l Lifetimes) used() float64 {
	if l.Used == 0 {
		return mostlyUsed
	}
	return l.Used
}

// dueAt is when a certificate is to be replaced.
func (l Lifetimes) dueAt(c *x509.Certificate) time.Time {
	return c.NotBefore.Add(time.Duration(float64(c.NotAfter.Sub(c.NotBefore)) * l.used()))
}
