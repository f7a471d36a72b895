package installed

import (
	"context"
	"errors"
	"maps"
	"slices"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Configurations are the chart's two.
func (p *Plane) Configurations(ctx context.Context) (
	pods admissionregistrationv1.MutatingWebhookConfiguration, workloads admissionregistrationv1.ValidatingWebhookConfiguration, err error,
) {
	name := types.NamespacedName{Name: "admission.leaseholder.dev"}
	err = errors.Join(p.Admin.Get(ctx, name, &pods), p.Admin.Get(ctx, name, &workloads))
	return pods, workloads, err
}

// Bundles are the different ones of all webhooks.
func (p *Plane) Bundles(ctx context.Context) ([]string, error) {
	pods, workloads, err := p.Configurations(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string]bool{}
	for i := range pods.Webhooks {
		all[string(pods.Webhooks[i].ClientConfig.CABundle)] = true
	}
	for i := range workloads.Webhooks {
		all[string(workloads.Webhooks[i].ClientConfig.CABundle)] = true
	}
	return slices.Sorted(maps.Keys(all)), nil
}
