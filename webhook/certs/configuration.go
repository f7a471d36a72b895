package certs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// configuration is a MutatingWebhookConfiguration or a
// ValidatingWebhookConfiguration, as far as certificates matter.
type configuration struct {
	object client.Object
	hooks  []hook
}

// hook is one webhook, as it is written in a patch.
type hook struct {
	Name         string       `json:"name"`
	ClientConfig clientConfig `json:"clientConfig"`
}

type clientConfig struct {
	CABundle []byte `json:"caBundle"`
}

func hookOf(name string, c admissionregistrationv1.WebhookClientConfig) hook {
	return hook{Name: name, ClientConfig: clientConfig{CABundle: c.CABundle}}
}

func mutating(c *admissionregistrationv1.MutatingWebhookConfiguration) configuration {
	all := configuration{object: c}
	for i := range c.Webhooks {
		all.hooks = append(all.hooks, hookOf(c.Webhooks[i].Name, c.Webhooks[i].ClientConfig))
	}
	return all
}

func validating(c *admissionregistrationv1.ValidatingWebhookConfiguration) configuration {
	all := configuration{object: c}
	for i := range c.Webhooks {
		all.hooks = append(all.hooks, hookOf(c.Webhooks[i].Name, c.Webhooks[i].ClientConfig))
	}
	return all
}

// bundles are those of every webhook.
func (c configuration) bundles() [][]byte {
	all := make([][]byte, len(c.hooks))
	for i := range c.hooks {
		all[i] = c.hooks[i].ClientConfig.CABundle
	}
	return all
}

// publish brings the authorities into the bundles, if there are any.
func (c configuration) publish(ctx context.Context, writer client.Client, now time.Time, secret *content) error {
	if len(secret.authorities()) == 0 {
		return nil
	}
	var changed []hook
	for _, h := range c.hooks {
		bundle := nextBundle(now, h.ClientConfig.CABundle, secret.authorities())
		if !bytes.Equal(bundle, h.ClientConfig.CABundle) {
			changed = append(changed, hook{Name: h.Name, ClientConfig: clientConfig{CABundle: bundle}})
		}
	}
	if len(changed) == 0 {
		return nil
	}
	// A strategic merge patch changes the bundles of the named webhooks and leaves
	// all else as it is, fields that this build does not know included.
	body, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": c.object.GetResourceVersion()},
		"webhooks": changed,
	})
	if err != nil {
		return fmt.Errorf("encode the bundles: %w", err)
	}
	target, ok := c.object.DeepCopyObject().(client.Object) // the patch's answer is written to it
	if !ok {
		return fmt.Errorf("%T is no object", c.object)
	}
	err = writer.Patch(ctx, target, client.RawPatch(types.StrategicMergePatchType, body))
	if err != nil && !apierrors.IsConflict(err) {
		return fmt.Errorf("publish the authorities in the %T: %w", c.object, err)
	}
	return nil
}
