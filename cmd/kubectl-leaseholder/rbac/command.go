// Package rbac is "kubectl leaseholder rbac": the Leases, Endpoints, Roles and
// RoleBindings that the pods of manifests need, for clusters in which an administrator
// makes them.
//
// It promises that
//
//   - it reads and judges manifests as "kubectl leaseholder inject" does, with the same
//     words and exit codes;
//   - it prints what the webhook's controller would make, by package rights, so that
//     the controller takes it over as it is when it is let do so;
//   - what it prints can be applied again at any time: no field is in it that a running
//     election writes.
package rbac

import (
	"cmp"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/inject"
)

// Command is the subcommand. Of the connection flags and the kubeconfig it uses the
// namespace alone.
func Command(flags *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	manifests := inject.New(streams)
	c := &cobra.Command{
		Use:   "rbac -f FILE",
		Short: "Print the Leases and rights that the pods of manifests need",
		Long: `Print the Lease, the Role and the RoleBinding of every election that pods of the
manifests stand in, and its Endpoints where leaseholder.dev/lock says that they are its
lock. No cluster is asked.

They are what the webhook makes itself where the chart's rights.mode is managed. Where
it is none, apply them before the workloads, and again when a workload gets another
lock, or another service account or election, which takes the rights from the account
before:

  kubectl leaseholder rbac -f deployment.yaml | kubectl apply -f -

One election has one RoleBinding with all of its service accounts: give all manifests
whose pods stand in it together. To apply them again disturbs no election. Nothing is
removed: that is left to who applied them.

Objects that do not say their namespace are in that of -n, or else of the kubeconfig's
context. The --sidecar and --cloud-sidecar flags matter for manifests that are injected
already, as with kubectl leaseholder inject.

Exit codes:
  0  the objects were written
  1  the command line is wrong, or something could not be read or written
  2  an object was refused`,
		Example: `  kubectl leaseholder rbac -f deployment.yaml | kubectl apply -f -
  kustomize build overlays/shop | kubectl leaseholder rbac -n shop -f - > rights.yaml`,
		RunE: func(*cobra.Command, []string) error {
			if err := manifests.Complete(namespaceOf(flags)); err != nil {
				return err
			}
			return run(manifests, streams)
		},
	}
	manifests.Register(c)
	return c
}

// namespaceOf is the namespace into which kubectl would put objects that do not say
// theirs; empty when no context says where that is.
func namespaceOf(flags *genericclioptions.ConfigFlags) string {
	if flags.Namespace != nil && *flags.Namespace != "" {
		return *flags.Namespace
	}
	loader := flags.ToRawKubeConfigLoader()
	config, err := loader.RawConfig()
	if err != nil {
		return ""
	}
	named := ""
	if flags.Context != nil {
		named = *flags.Context
	}
	if config.Contexts[cmp.Or(named, config.CurrentContext)] == nil {
		return ""
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		return ""
	}
	return namespace
}
