package sidecar

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// usage is what --help prints.
func (p Program) usage() string {
	var b strings.Builder
	b.WriteString(p.Name + ` stands in an election for its pod, and serves how it goes on a
local API. The webhook injects it. Its settings come from the environment:

`)
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, d := range config.Describe() {
		def := "required"
		if d.Default != "" {
			def = "default " + d.Default
		}
		if d.Setting == config.Lock {
			d.What += ": " + p.Locks.forms()
		}
		// A strings.Builder takes every write.
		_, _ = fmt.Fprintf(table, "  %s\t%s (%s)\n", d.Setting.Variable(), d.What, def)
	}
	_ = table.Flush()
	b.WriteString(`  KUBECONFIG, outside a pod: the cluster of the election's Lease, which a lock in it needs

Flags:
  --version  print the version and exit

Exit codes: 0 told to stop, 1 a port is taken, 2 bad settings, or no cluster to be found for a lock in it.
`)
	return b.String()
}
