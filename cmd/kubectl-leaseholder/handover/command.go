// Package handover is "kubectl leaseholder step-down" and "kubectl leaseholder
// transfer": both ask the leader of an election to give it up, and wait until
// another leads.
package handover

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/connect"
)

// defaultTimeout is kubectl's own for its wait.
const defaultTimeout = 30 * time.Second

// StepDown is the subcommand that lets any other candidate lead. Its connection
// flags are flags'.
func StepDown(flags *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	h := &handover{streams: streams}
	c := &cobra.Command{
		Use:   "step-down ELECTION",
		Short: "Ask the leader to let another candidate lead",
		Long: `Ask the leader of an election to let another candidate lead.

Its isLeader ends first, and then another takes the lead: at once where the lock is
in the cluster, and within one retry period where it is in a store, which is asked, not
watched. It comes back when no other does for one lease duration. Where the lock is
outside the cluster, the leader is asked in the cluster in which it runs.`,
		Example: `  kubectl leaseholder step-down deployment-orders`,
	}
	h.complete(c, flags)
	return c
}

// Transfer is the subcommand that lets one pod lead. Its connection flags are
// flags'.
func Transfer(flags *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	h := &handover{streams: streams}
	c := &cobra.Command{
		Use:   "transfer ELECTION --to POD",
		Short: "Ask the leader to let one pod lead",
		Long: `Ask the leader of an election to let one pod lead, which must be a candidate.

The other candidates hold back for a moment. When that pod does not take the lead,
one of them does. Where the lock is outside the cluster, the leader is asked in the
cluster in which it runs, and can be told to let a pod of another lead. It is told a name:
where clusters have pods of the same name, as those of StatefulSets, any of these can
take the lead, and it is an error when another than the one that was meant does.`,
		Example: `  kubectl leaseholder transfer deployment-orders --to orders-7d9f-abcde
  kubectl leaseholder transfer orders --to orders-0 --elsewhere --context leaders-cluster`,
	}
	h.complete(c, flags)
	c.Flags().StringVar(&h.to, "to", "", "the pod that shall lead (required)")
	c.Flags().BoolVar(&h.elsewhere, "elsewhere", false, "the pod runs in another cluster, so that nothing is asked about it here")
	if err := c.MarkFlagRequired("to"); err != nil {
		panic(err) // the line above makes it
	}
	return c
}

// complete adds what both commands have.
func (h *handover) complete(c *cobra.Command, flags *genericclioptions.ConfigFlags) {
	c.Args = cobra.ExactArgs(1)
	c.Flags().BoolVar(&h.wait, "wait", true, "wait until the next leader is there, and say who leads")
	c.Flags().DurationVar(&h.timeout, "timeout", defaultTimeout, "how long to wait")
	c.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if h.wait && h.timeout <= 0 {
			return fmt.Errorf("--timeout=%s: allowed: more than 0s; use --wait=false not to wait", h.timeout)
		}
		h.election = args[0]
		if h.client, h.namespace, err = connect.Connect(flags); err != nil {
			return err
		}
		return h.run(cmd.Context())
	}
}
