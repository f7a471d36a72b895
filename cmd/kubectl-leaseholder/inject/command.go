// Package inject is "kubectl leaseholder inject": what the webhook would do to the
// pods of manifests, done to the manifests themselves, without a cluster.
//
// It promises that
//
//   - it decides by package injector, as the webhook does, and by nothing else;
//   - it writes all of its input or none: when one object is refused, every fault
//     of every object is told, and nothing is written;
//   - what is not changed comes out byte for byte, and in what is changed, nothing is
//     removed or reordered, and a line changes only where something is put into it, by
//     package edit;
//   - what comes out can be put in again, and comes out the same.
package inject

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// Command is the subcommand. Of the connection flags it uses the namespace alone.
func Command(flags *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	in := &injection{Manifests: New(streams)}
	c := &cobra.Command{
		Use:   "inject -f FILE",
		Short: "Add to manifests what the webhook would add to their pods",
		Long: `Add to manifests what the webhook would add to their pods, and write them to standard
output. No cluster is asked.

Every object with a pod template is judged as the webhook judges its pods, items of
Lists too. Comments, order and layout are kept: nothing is removed or reordered, a line
changes only where something is put into it, and everything else comes out byte for
byte. When one object is refused, nothing is written, and every fault is told.

The webhook lets the pods of such manifests in only if it would have added the same:
give the --sidecar and --cloud-sidecar flags what the cluster's administrator has set,
and in a mesh --sidecar-meshes and --api-server too. It also makes the Lease and the rights that the
sidecars need, unless the chart's rights.mode is none, and shows who leads: it is needed
all the same. After an upgrade that changes the sidecar,
inject the originals again, and keep them: what is injected already is not changed.

What only a cluster knows is not judged: whose an election is, the locks of pods that
run, Leases that others made, disruption budgets, and which namespace Leaseholder itself
runs in.

Exit codes:
  0  the manifests were written
  1  the command line is wrong, or something could not be read or written
  2  an object was refused`,
		Example: `  kubectl leaseholder inject -f deployment.yaml | kubectl apply -f -
  kustomize build overlays/shop | kubectl leaseholder inject -n shop -f - > shop.yaml
  kubectl leaseholder inject -R -f manifests/ --sidecar-image mirror.example/leaseholder-sidecar:0.1.0`,
		RunE: func(*cobra.Command, []string) error {
			namespace := ""
			if flags.Namespace != nil {
				namespace = *flags.Namespace
			}
			if err := in.Complete(namespace); err != nil {
				return err
			}
			return in.run()
		},
	}
	in.Register(c)
	return c
}
