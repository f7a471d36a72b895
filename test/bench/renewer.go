package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	kube "k8s.io/client-go/rest"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/test/bench/report"
)

// leader is a pod that holds its election's Lease, without a process of its own.
type leader struct{ election, pod, uid string }

// held is how long the Leases say that they are held: longer than any round of
// renewals, so that no leader seems to be gone.
const held = time.Hour

// takes is the patch with which it takes the Lease, as a sidecar writes it.
func (l leader) takes() map[string]any {
	identity := lock.Identity{Pod: l.pod, UID: l.uid, Start: "1"}.String()
	return map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{
			lease.StampAnnotation: identity, lease.TokenAnnotation: "1", lease.MarkAnnotation: nil,
		}},
		"spec": map[string]any{
			"holderIdentity": identity, "leaseDurationSeconds": int(held.Seconds()), "acquireTime": metav1.NowMicro(), "renewTime": metav1.NowMicro(),
			"leaseTransitions": 1,
		},
	}
}

// renews is the patch with which it renews the Lease.
func (leader) renews() map[string]any {
	return map[string]any{"spec": map[string]any{"renewTime": metav1.NowMicro()}}
}

// renewer writes Leases for all leaders, at a pace.
type renewer struct {
	client kube.Interface
	pace   int
}

func newRenewer(c *kube.Config, pace int) (*renewer, error) {
	c = kube.CopyConfig(c)
	c.APIPath, c.GroupVersion, c.NegotiatedSerializer = "/apis", &coordinationv1.SchemeGroupVersion, scheme.Codecs.WithoutConversion()
	client, err := kube.RESTClientFor(c)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return &renewer{client: client, pace: pace}, nil
}

// atOnce is how many writes may be under way.
const atOnce = 32

// each writes one patch for every leader, as fast as it can.
func (r *renewer) each(ctx context.Context, leaders []leader, patch func(leader) map[string]any) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, l := range leaders {
		group.Go(func() error { return r.write(ctx, l, patch(l)) })
	}
	return group.Wait()
}

// renew renews one Lease after the other at the pace, and says how many there were:
// fewer than wanted when the API server is slower.
func (r *renewer) renew(ctx context.Context, leaders []leader, window time.Duration) (written int, err error) {
	group, working := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	begun := now()
	for working.Err() == nil {
		due := begun + time.Duration(written)*time.Second/time.Duration(r.pace)
		if due-begun >= window || now()-begun >= window {
			break
		}
		if err := pause(working, max(0, due-now())); err != nil {
			break
		}
		l := leaders[written%len(leaders)]
		written++
		group.Go(func() error { return r.write(working, l, l.renews()) })
	}
	return written, group.Wait()
}

func (r *renewer) write(ctx context.Context, l leader, fields map[string]any) error {
	content, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("encode a patch: %w", err)
	}
	_, err = r.client.Patch(types.MergePatchType).Namespace(namespaceOf(report.Leaseholder)).Resource("leases").Name(l.election).
		Body(content).DoRaw(ctx)
	if err != nil {
		return fmt.Errorf("write the Lease %q: %w", l.election, err)
	}
	return nil
}
