// Package conformance says which lock keeps which promise: it runs the suite of package
// locktest for every backend, and makes a table of it, which docs/locks.md shows.
//
// It promises that no backend is left out: what has a TestConformance below
// sidecar/lock or test/clouds is one. A promise that was not tried is not kept.
package conformance
