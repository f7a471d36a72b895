package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/cmd/internal/trial"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// selftestTimeout bounds the one request of the self-test.
const selftestTimeout = 30 * time.Second

func newSelftestCommand(ctx context.Context, getenv func(string) string, stdout io.Writer) *cobra.Command {
	var namespace string
	command := &cobra.Command{
		Use:   "selftest",
		Short: "let the API server try, without making it, a pod that asks for the sidecar, and see whether it gets one",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if namespace == "" {
				return errors.New("--namespace must be set")
			}
			kube, err := loadConfig(getenv("KUBECONFIG"))
			if err != nil {
				return err
			}
			c, err := client.New(kube, client.Options{Scheme: view.Scheme()})
			if err != nil {
				return fmt.Errorf("make a client: %w", err)
			}
			seen, err := selftest(ctx, c, namespace)
			if err != nil {
				return fmt.Errorf("self-test in namespace %q: %w", namespace, err)
			}
			_, err = fmt.Fprintln(stdout, seen)
			return err
		},
	}
	command.Flags().StringVar(&namespace, "namespace", "", "namespace to try the pod in (required)")
	return command
}

// selftest creates the pod of package trial on the API server's dry run, and says what
// it saw. It fails unless the pod would have got the sidecar.
func selftest(ctx context.Context, c client.Client, namespace string) (seen string, err error) {
	ctx, cancel := context.WithTimeout(ctx, selftestTimeout)
	defer cancel()
	pod := trial.Pod(namespace)
	if err := c.Create(ctx, pod, client.DryRunAll); err != nil {
		return "", fmt.Errorf("try a pod: %w", err)
	}
	return trial.Seen(pod)
}
