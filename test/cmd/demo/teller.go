package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/leaseholder-dev/leaseholder/test/cluster"
)

// teller prints the story.
type teller struct {
	out   io.Writer
	begun time.Time
	steps int
}

// stepf begins a step, with the time since the beginning.
func (t *teller) stepf(format string, args ...any) {
	t.steps++
	at := time.Since(t.begun)
	_, _ = fmt.Fprintf(t.out, "\n[%d:%02d] %d. %s\n", int(at.Minutes()), int(at.Seconds())%60, t.steps, fmt.Sprintf(format, args...))
}

// command shows what is typed, and what came of it.
func (t *teller) command(line, output string) {
	_, _ = fmt.Fprintf(t.out, "\n    $ %s\n", line)
	for l := range strings.Lines(strings.TrimSpace(output)) {
		_, _ = fmt.Fprintf(t.out, "    %s\n", strings.TrimRight(l, "\n"))
	}
}

// resultf tells what was seen.
func (t *teller) resultf(format string, args ...any) {
	_, _ = fmt.Fprintf(t.out, "\n    => %s\n", fmt.Sprintf(format, args...))
}

func (t *teller) epilogue(c *cluster.Cluster, root string) {
	_, _ = fmt.Fprintf(t.out, `
The cluster stays up. To play with it:

    export KUBECONFIG=%s
    export PATH=%s:%s:$PATH
    kubectl get pods -L leaseholder.dev/role -o wide
    kubectl leaseholder status
    kubectl get events --field-selector reason=LeaderElected
    kubectl delete pod -l leaseholder.dev/role=leader
    kubectl apply -f %s

To take it down:

    make cluster-down
`, c.Kubeconfig(), filepath.Join(root, "bin"), filepath.Dir(c.Kubectl()), filepath.Join(root, "examples", "unready"))
}

// took is a duration as people read it.
func took(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}
