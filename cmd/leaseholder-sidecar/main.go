// Command leaseholder-sidecar stands in one election for its pod and tells the
// pod's other containers how it goes. The webhook injects it; it can also be
// run by hand, outside a cluster. Its settings come from the environment. It knows
// the locks that a cluster holds; leaseholder-sidecar-cloud knows those outside too.
package main

import "github.com/leaseholder-dev/leaseholder/cmd/internal/sidecar"

// version is set by the linker.
var version = "devel"

func main() {
	sidecar.Main(sidecar.Program{Name: "leaseholder-sidecar", Version: version, Locks: sidecar.InCluster()})
}
