package webhook

import (
	"context"

	"github.com/leaseholder-dev/leaseholder/injector"
)

// Path is where pods are answered for in namespaces that say nothing about them.
const Path = "/mutate-pods"

// PathOf is where pods are answered for in namespaces of one policy. The webhook
// learns a namespace's label from the path: the API server, which selects the
// path by the label, watches namespaces anyway.
func PathOf(policy injector.Policy) string {
	if policy == injector.Unlabelled {
		return Path
	}
	return Path + "/" + string(policy)
}

// policies are all that have a path.
func policies() []injector.Policy { return append(injector.Policies(), injector.Unlabelled) }

type policyKey struct{}

// WithPolicy gives a request the policy of its pod's namespace. Without it, the
// policy is Unlabelled.
func WithPolicy(ctx context.Context, policy injector.Policy) context.Context {
	return context.WithValue(ctx, policyKey{}, policy)
}

func policyOf(ctx context.Context) injector.Policy {
	policy, _ := ctx.Value(policyKey{}).(injector.Policy) // none is Unlabelled
	return policy
}
