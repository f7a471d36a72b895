package handover

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"

	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/remote"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/handover/request"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// handover is one call of a command.
type handover struct {
	streams             genericiooptions.IOStreams
	client              kubernetes.Interface
	namespace, election string
	// to is the pod that shall lead, empty for any other.
	to string
	// toUID is that of the pod of this name in this cluster, empty if there is none.
	toUID string
	// elsewhere says that it is a pod of another cluster, of which nothing is known here.
	elsewhere bool
	wait      bool
	timeout   time.Duration
	// unready says that the pod that shall lead is not ready: that is allowed, but
	// seldom meant.
	unready bool
}

func (h *handover) run(ctx context.Context) error {
	asked, err := h.ask(ctx)
	if err != nil {
		return err
	}
	if h.unready {
		_, _ = fmt.Fprintf(h.streams.ErrOut, "Warning: pod %q is not ready\n", h.to)
	}
	before := lease.Decode(asked)
	if !h.wait {
		h.sayf("pod %q is asked to hand over", lock.PodName(before.Holder))
		return nil
	}
	return h.await(ctx, asked, before)
}

// attempts at one patch, with a leader that renews its Lease meanwhile.
const attempts = 10

// ask writes the request, and gives the Lease as it is then. The leader renews the
// Lease all the time, so that a conflict is no news; another leader is.
func (h *handover) ask(ctx context.Context) (asked *coordinationv1.Lease, err error) {
	l, err := h.held(ctx)
	if err != nil {
		return nil, err
	}
	record := lease.Decode(l)
	leader := record.Holder
	if err := h.reachable(ctx, record); err != nil {
		return nil, err
	}
	if err := h.eligible(ctx, leader); err != nil {
		return nil, err
	}
	for range attempts {
		var patch []byte
		if patch, err = request.Patch(l, h.to); err != nil {
			return nil, fmt.Errorf("write the request: %w", err)
		}
		asked, err = h.client.CoordinationV1().Leases(h.namespace).Patch(ctx, h.election, types.MergePatchType, patch, metav1.PatchOptions{})
		if err == nil {
			return asked, nil
		}
		err = fmt.Errorf("write the request into lease %q: %w", h.election, err)
		if !apierrors.IsConflict(err) {
			return nil, err
		}
		var again error
		if l, again = h.held(ctx); again != nil {
			return nil, again
		}
		if now := lease.Decode(l).Holder; now != leader {
			return nil, fmt.Errorf("election %q has moved from %q to %q meanwhile, and nobody was asked", h.election, leader, now)
		}
	}
	return nil, err
}

// held gives the Lease, if its holder listens to requests.
func (h *handover) held(ctx context.Context) (*coordinationv1.Lease, error) {
	l, err := h.client.CoordinationV1().Leases(h.namespace).Get(ctx, h.election, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("there is no election %q in namespace %q", h.election, h.namespace)
	case err != nil:
		return nil, fmt.Errorf("read lease %q: %w", h.election, err)
	case !view.Ours(l):
		return nil, fmt.Errorf("lease %q in namespace %q is none of Leaseholder's: it has no label %s=%s",
			h.election, h.namespace, view.LabelManagedBy, view.ManagedBy)
	}
	switch record := lease.Decode(l); {
	case record.Holder == "":
		return nil, fmt.Errorf("nobody leads election %q, so nobody can be asked", h.election)
	case !record.Stamped():
		return nil, fmt.Errorf("the holder %q of election %q is none of Leaseholder's sidecars, and would ignore the request", record.Holder, h.election)
	}
	return l, nil
}

// reachable says why the leader can't be asked in this cluster, or another cluster's pod
// not be named: a request is a leader's who reports here.
func (h *handover) reachable(ctx context.Context, record lock.Record) error {
	if !remote.Possible(record) {
		if h.elsewhere {
			return fmt.Errorf("the lock of election %q is %s, so no pod of another cluster is a candidate", h.election, remote.Lock(record))
		}
		return nil
	}
	name := lock.PodName(record.Holder)
	pods := []corev1.Pod{}
	pod, err := h.client.CoreV1().Pods(h.namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case err == nil:
		pods = append(pods, *pod)
	case !apierrors.IsNotFound(err):
		return fmt.Errorf("read pod %q: %w", name, err)
	}
	if !remote.Leader(record, pods) {
		return nil
	}
	command := "step-down " + h.election
	if h.to != "" {
		command = "transfer " + h.election + " --elsewhere --to " + h.to
	}
	return fmt.Errorf("the leader %q of election %q, whose lock is %s, is not in this cluster, and only its own can ask it: "+
		"run \"kubectl leaseholder %s\" there, with --context; if its pod is gone, another candidate takes the lead by itself",
		name, h.election, record.Reports, command)
}

// eligible says why the pod that shall lead can't.
func (h *handover) eligible(ctx context.Context, holder string) error {
	if h.to == "" {
		return nil
	}
	pod, err := h.client.CoreV1().Pods(h.namespace).Get(ctx, h.to, metav1.GetOptions{})
	if h.elsewhere {
		// A pod of that name here can take the lead too, and is not the one that is meant.
		if err == nil {
			h.toUID = string(pod.UID)
		} else if !apierrors.IsNotFound(err) {
			return fmt.Errorf("read pod %q: %w", h.to, err)
		}
		return nil
	}
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("there is no pod %q in namespace %q", h.to, h.namespace)
	}
	if err != nil {
		return fmt.Errorf("read pod %q: %w", h.to, err)
	}
	leader, _ := lock.ParseIdentity(holder)
	e, elected := view.ElectionOf(pod)
	switch {
	case !elected:
		return fmt.Errorf("pod %q is no candidate: it has no election sidecar", h.to)
	case e.Name != h.election:
		return fmt.Errorf("pod %q is a candidate of election %q, not of %q", h.to, e.Name, h.election)
	case pod.DeletionTimestamp != nil:
		return fmt.Errorf("pod %q is being deleted", h.to)
	case view.Ended(pod):
		return fmt.Errorf("pod %q has ended", h.to)
	case string(pod.UID) == leader.UID:
		return fmt.Errorf("pod %q leads election %q already", h.to, h.election)
	}
	h.toUID, h.unready = string(pod.UID), !view.Ready(pod)
	return nil
}

// sayf tells a result.
func (h *handover) sayf(format string, args ...any) {
	_, _ = fmt.Fprintf(h.streams.Out, "election %q: %s\n", h.election, fmt.Sprintf(format, args...))
}
