// Package status is "kubectl leaseholder status": a table of the elections in a
// namespace or in all of them, made of their Leases and pods.
package status

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"

	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/connect"
	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/remote"
	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// Command is the subcommand. Its connection flags are flags'.
func Command(flags *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Show the elections, their leaders and standbys",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, namespace, err := connect.Connect(flags)
			if err != nil {
				return err
			}
			if all {
				namespace = metav1.NamespaceAll
			}
			return show(cmd.Context(), client, namespace, streams)
		},
	}
	c.Flags().BoolVarP(&all, "all-namespaces", "A", false, "show the elections of all namespaces")
	return c
}

func show(ctx context.Context, client kubernetes.Interface, namespace string, streams genericiooptions.IOStreams) error {
	leases, err := client.CoordinationV1().Leases(namespace).List(ctx, metav1.ListOptions{LabelSelector: labels.Set{view.LabelManagedBy: view.ManagedBy}.String()})
	if err != nil {
		return fmt.Errorf("list leases: %w", err)
	}
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: injector.LabelElection})
	if err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	if len(leases.Items) == 0 {
		_, err = fmt.Fprintln(streams.ErrOut, "No elections found.")
		return err
	}
	return table(streams.Out, leases.Items, pods.Items, time.Now())
}

// table prints one line an election. Ages compare the leader's clock with this
// machine's, so they are for people to read. Nothing in this cluster tells of the renewals
// of a leader that is no pod here: it is in another, or is gone.
func table(out io.Writer, leases []coordinationv1.Lease, pods []corev1.Pod, now time.Time) error {
	candidates, of := map[string]int{}, map[string][]corev1.Pod{}
	for _, p := range pods {
		election := p.Namespace + "/" + p.Labels[injector.LabelElection]
		of[election] = append(of[election], p)
		if p.DeletionTimestamp == nil && !view.Ended(&p) {
			candidates[election]++
		}
	}
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintln(w, "NAMESPACE\tELECTION\tLEADER\tCANDIDATES\tTOKEN\tLEADING FOR\tRENEWED\tLOCK")
	for i := range leases {
		l := &leases[i]
		r := lease.Decode(l)
		election := l.Namespace + "/" + l.Name
		leader, leading, renewed := "<none>", "-", "-"
		switch {
		case r.Holder == "":
		case remote.Leader(r, of[election]):
			leader, leading = lock.PodName(r.Holder)+" (not here)", ago(now, r.Acquired)
		default:
			leader, leading, renewed = lock.PodName(r.Holder), ago(now, r.Acquired), ago(now, r.Renewed)+" ago"
			if now.After(r.Renewed.Add(r.Duration)) {
				renewed += " (expired)"
			}
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\n",
			l.Namespace, l.Name, leader, candidates[election], r.Token, leading, renewed, remote.Lock(r))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	return nil
}

func ago(now, then time.Time) string { return duration.HumanDuration(max(0, now.Sub(then))) }
