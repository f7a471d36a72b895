// Command leaseholder-sidecar-cloud is leaseholder-sidecar with the locks outside the
// cluster too. The webhook injects it where a pod's lock is one of those.
package main

import (
	_ "golang.org/x/crypto/x509roots/fallback" // its image has no certificates

	"github.com/leaseholder-dev/leaseholder/cmd/internal/sidecar"
)

// version is set by the linker.
var version = "devel"

func main() {
	sidecar.Main(sidecar.Program{Name: "leaseholder-sidecar-cloud", Version: version, Locks: locks()})
}
