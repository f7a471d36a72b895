package check

import (
	"fmt"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
)

// podPolicy refuses pods that the webhook was not asked about.
const podPolicy = "leaseholder-pod-policy"

// policyNames are the chart's ValidatingAdmissionPolicies.
func policyNames() []string {
	return []string{
		"leaseholder-account-endpoints-policy", "leaseholder-account-lease-policy", "leaseholder-account-pod-policy",
		"leaseholder-account-rights-policy", "leaseholder-account-webhook-policy",
		"leaseholder-endpoints-policy", "leaseholder-label-policy", "leaseholder-lease-policy", "leaseholder-namespace-policy", podPolicy,
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
	var missing, unbound, lax, wrong []string
	for _, name := range policyNames() {
		if !slices.ContainsFunc(*s.policies.value, func(p admissionregistrationv1.ValidatingAdmissionPolicy) bool { return p.Name == name }) {
			missing = append(missing, name)
		}
	}
	for i := range *s.policies.value {
		p := &(*s.policies.value)[i]
		faults := s.faultsOfBindings(p.Name)
		switch {
		case len(faults) == 0:
			unbound = append(unbound, p.Name)
		case !slices.Contains(faults, ""):
			lax = append(lax, p.Name+": "+strings.Join(faults, "; "))
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
	case len(lax) > 0:
		r := failf(what, "delete these bindings and upgrade the release, which makes them anew", "%d of them are bound otherwise than by the chart, and let through what they are to refuse", len(lax))
		r.details = lax
		return r
	case len(wrong) > 0:
		r := warnf(what, "upgrade the release to a version that knows this API server", "the API server finds fault with an expression")
		r.details = wrong
		return r
	}
	return okf(what, "the chart's ValidatingAdmissionPolicies are there and bound")
}

// faultsOfBindings says of each binding of a policy why it binds less than the chart's;
// of one that does not, "".
func (s *snapshot) faultsOfBindings(policy string) []string {
	var faults []string
	for i := range *s.bindings.value {
		b := &(*s.bindings.value)[i]
		if b.Spec.PolicyName != policy {
			continue
		}
		switch {
		case b.Spec.MatchResources != nil:
			faults = append(faults, fmt.Sprintf("binding %s has matchResources: the chart's has none", b.Name))
		case !slices.Contains(b.Spec.ValidationActions, s.action(policy)) && !slices.Contains(b.Spec.ValidationActions, admissionregistrationv1.Deny):
			faults = append(faults, fmt.Sprintf("binding %s has validationActions %v: the chart's has %s", b.Name, b.Spec.ValidationActions, s.action(policy)))
		default:
			faults = append(faults, "")
		}
	}
	return faults
}

// action is what a binding must do at least with what its policy finds. Where pods are
// to be let in without a sidecar, the chart has theirs warn alone.
func (s *snapshot) action(policy string) admissionregistrationv1.ValidationAction {
	_, hooks := s.podHooks()
	if policy == podPolicy && (s.mutating.err != nil || slices.ContainsFunc(hooks, ignoring)) {
		return admissionregistrationv1.Warn
	}
	return admissionregistrationv1.Deny
}
