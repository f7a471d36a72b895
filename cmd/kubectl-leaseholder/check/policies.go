package check

import (
	"fmt"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
)

// policyNames are the chart's ValidatingAdmissionPolicies.
func policyNames() []string {
	return []string{
		"leaseholder-account-lease-policy", "leaseholder-account-pod-policy", "leaseholder-account-rights-policy", "leaseholder-account-webhook-policy",
		"leaseholder-label-policy", "leaseholder-lease-policy", "leaseholder-namespace-policy", "leaseholder-pod-policy",
	}
}

// admissionPolicies judges the ValidatingAdmissionPolicies.
func (s *snapshot) admissionPolicies() result {
	const what = "Policies"
	const next = "upgrade the release, which makes them"
	switch {
	case s.policies.err != nil:
		return unreadable(what, "ValidatingAdmissionPolicies", s.policies.err)
	case s.bindings.err != nil:
		return unreadable(what, "ValidatingAdmissionPolicyBindings", s.bindings.err)
	}
	var missing, unbound, wrong []string
	for _, name := range policyNames() {
		if !slices.ContainsFunc(*s.policies.value, func(p admissionregistrationv1.ValidatingAdmissionPolicy) bool { return p.Name == name }) {
			missing = append(missing, name)
		}
	}
	for i := range *s.policies.value {
		p := &(*s.policies.value)[i]
		if !slices.ContainsFunc(*s.bindings.value, func(b admissionregistrationv1.ValidatingAdmissionPolicyBinding) bool {
			return b.Spec.PolicyName == p.Name
		}) {
			unbound = append(unbound, p.Name)
		}
		if p.Status.TypeChecking != nil {
			for _, w := range p.Status.TypeChecking.ExpressionWarnings {
				wrong = append(wrong, fmt.Sprintf("%s: %s: %s", p.Name, w.FieldRef, strings.Join(strings.Fields(w.Warning), " ")))
			}
		}
	}
	switch {
	case len(missing) > 0:
		return failf(what, next, "there is no ValidatingAdmissionPolicy %s", strings.Join(missing, ", "))
	case len(unbound) > 0:
		return failf(what, next, "there is no binding of %s, which judges nothing", strings.Join(unbound, ", "))
	case len(wrong) > 0:
		r := warnf(what, "upgrade the release to a version that knows this API server", "the API server finds fault with an expression")
		r.details = wrong
		return r
	}
	return okf(what, "the chart's ValidatingAdmissionPolicies are there and bound")
}
