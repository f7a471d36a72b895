// Package explain is "kubectl leaseholder explain": why a pod has the election
// sidecar or has not, and why it leads or does not.
//
// It promises that every line is a fact that was read, or says that it may not be
// read; that what is wrong comes with what to do next; and that nothing in the
// cluster is changed. What is said is a pure function of one snapshot of objects,
// which are not read at the same instant.
package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/connect"
)

// Command is the subcommand. Its connection flags are flags'.
func Command(flags *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:   "explain pod/NAME",
		Short: "Say why a pod has the election sidecar or not, and why it leads or not",
		Long: `Say why a pod has the election sidecar or not, and why it leads or not.

Everything is read with your own rights. What you may not read is said, not guessed.
A line that begins with "!" is something wrong, and the next one says what to do.`,
		Example: `  kubectl leaseholder explain pod/orders-7d9f-abcde
  kubectl leaseholder explain orders-7d9f-abcde -n shop`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := podName(args...)
			if err != nil {
				return err
			}
			client, namespace, err := connect.Connect(flags)
			if err != nil {
				return err
			}
			s, err := take(cmd.Context(), client, namespace, name)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(streams.Out, tell(s, time.Now()))
			return err
		},
	}
}

// podName reads NAME, or kubectl's pod/NAME or pod NAME.
func podName(args ...string) (string, error) {
	arg := strings.Join(args, "/")
	resource, name, ok := strings.Cut(arg, "/")
	if !ok {
		return arg, nil
	}
	if !slices.Contains([]string{"pod", "pods", "po"}, strings.ToLower(resource)) || name == "" || strings.Contains(name, "/") {
		return "", fmt.Errorf("%q is refused, allowed: pod/NAME, pod NAME or NAME: only pods are explained", strings.Join(args, " "))
	}
	return name, nil
}
