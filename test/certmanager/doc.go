// Package certmanager has cert-manager's own controllers issue, inject and renew what
// the chart asks them for. They take minutes to compile, so `make test` checks only
// the objects (package installed); `make test-cert-manager` runs this.
package certmanager
