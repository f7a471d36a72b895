// Command leaseholder-sidecar-cloud is leaseholder-sidecar with the locks outside the
// cluster as well: one object in Google Cloud Storage, Azure Blob Storage or Amazon S3.
// It is a program of its own because the clouds' SDKs are several times as large as all
// the rest. The webhook injects it where the lock needs it.
package main

import (
	// The image has no files but the program: the public certificate authorities are in it,
	// and count where the system has none.
	_ "golang.org/x/crypto/x509roots/fallback"

	"github.com/leaseholder-dev/leaseholder/cmd/internal/sidecar"
)

// version is set by the linker.
var version = "devel"

func main() {
	sidecar.Main(sidecar.Program{Name: "leaseholder-sidecar-cloud", Version: version, Locks: locks()})
}
