// Command kubectl-leaseholder is the kubectl plugin "kubectl leaseholder": it
// shows the elections of a cluster, hands them over, explains a pod's part in one,
// injects manifests or prints the rights that they need, without a cluster, and checks
// an installation or manifests.
package main

import (
	"context"
	"os"
	"os/signal"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/check"
	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/exit"
	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/explain"
	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/handover"
	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/inject"
	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/rbac"
	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/status"
)

// version is set by the linker.
var version = "devel"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	err := command(streams).ExecuteContext(ctx)
	stop()
	os.Exit(exit.Code(err))
}

func command(streams genericiooptions.IOStreams) *cobra.Command {
	flags := genericclioptions.NewConfigFlags(true)
	root := &cobra.Command{
		Use:          "kubectl-leaseholder",
		Short:        "See and change who leads in a cluster with Leaseholder",
		Version:      version,
		SilenceUsage: true,
		Annotations:  map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl leaseholder"},
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	flags.AddFlags(root.PersistentFlags())
	root.AddCommand(
		status.Command(flags, streams),
		handover.StepDown(flags, streams),
		handover.Transfer(flags, streams),
		inject.Command(flags, streams),
		rbac.Command(flags, streams),
		explain.Command(flags, streams),
		check.Command(flags, streams),
	)
	return root
}
