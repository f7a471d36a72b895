package explain

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/ownership"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// controller is what to look at when something is not there that it makes.
const controller = "see whether the webhook's pods run: its controller makes what is missing, in every namespace but kube-* and its own; where the chart's rights.mode is none, make it from the manifest with kubectl leaseholder rbac"

// rights says what the pod's account may do with the objects of its election.
func (r *report) rights() {
	if refusal, refused := r.stranger(); refused {
		whose, cure, _ := strings.Cut(refusal.Tell(r.pod.Namespace, r.election), ": ")
		r.wrongf(cure, "The pod must not stand in an election of others: %s", whose)
	}
	if r.denied.err == nil {
		out := "so the sidecar can't take part"
		switch lock := view.LockOf(r.pod); {
		case lock.Scheme == config.LockEndpoints:
			r.may("lease", r.denied.value.lease, "so the sidecar can't report the election")
			r.may("endpoints", r.denied.value.endpoints, out)
		case lock.InCluster():
			r.may("lease", r.denied.value.lease, out)
		default:
			r.may("lease", r.denied.value.lease, "so the sidecar can't report the election, in which it stands all the same")
		}
		return
	}
	r.granted()
}

// may says what the pod's account may do with one object, and without what the sidecar is
// otherwise.
func (r *report) may(object string, denied []string, without string) {
	if len(denied) > 0 {
		r.lacksf("Service account %q may not %s %s %q, %s", account(r.pod), strings.Join(denied, ", "), object, r.election, without)
		return
	}
	r.factf("Service account %q may %s %s %q", account(r.pod), strings.Join(view.Verbs(), ", "), object, r.election)
}

// granted says what was granted to the pod's account, to those who may not ask for its
// rights.
func (r *report) granted() {
	name := view.RightsPrefix + r.election
	if r.role.err != nil || r.binding.err != nil {
		r.factf("You may neither ask for the rights of service account %q nor read Role and RoleBinding %q, so nothing is said about them", account(r.pod), name)
		return
	}
	needs := "which the sidecar needs"
	if !view.LockOf(r.pod).InCluster() {
		needs = "which the sidecar needs to report the election, in which it stands all the same"
	}
	switch {
	case r.role.value == nil:
		r.lacksf("There is no Role %q, %s", name, needs)
	case !view.Ours(r.role.value):
		r.wrongf("rename it, or name another election with "+injector.AnnotationElection+", unless rights.mode is none and it is meant for this one", "Leaseholder did not make Role %q", name)
	case r.locked() && !slices.ContainsFunc(r.role.value.Rules, func(rule rbacv1.PolicyRule) bool { return slices.Contains(rule.Resources, "endpoints") }):
		r.lacksf("Role %q gives no Endpoints, %s", name, needs)
	case r.binding.value == nil:
		r.lacksf("There is no RoleBinding %q, %s", name, needs)
	case !r.bound():
		r.lacksf("RoleBinding %q does not name service account %q", name, account(r.pod))
	default:
		r.factf("RoleBinding %q gives service account %q the Role of its election", name, account(r.pod))
	}
}

// lacksf tells of something that is not there, and what to look at if nothing else
// that is told explains it.
func (r *report) lacksf(format string, args ...any) {
	_, refused := r.stranger()
	if refused || r.unfit() != "" || r.lease.value != nil && !view.Ours(r.lease.value) {
		r.factf(format, args...)
		return
	}
	r.wrongf(controller, format, args...)
}

// stranger is why the pod must not stand in its election, as the controller judges
// it that grants the rights.
func (r *report) stranger() (*ownership.Refusal, bool) {
	if r.lease.value == nil {
		return nil, false
	}
	var others []ownership.Member
	if r.candidates.value != nil {
		for i := range *r.candidates.value {
			if pod := &(*r.candidates.value)[i]; !view.Ended(pod) {
				others = append(others, ownership.MemberOf(pod, r.election))
			}
		}
	}
	return ownership.Of(r.lease.value).Refuses(ownership.MemberOf(r.pod, r.election), others)
}

func (r *report) bound() bool {
	for _, s := range r.binding.value.Subjects {
		if s.Kind == "ServiceAccount" && s.Name == account(r.pod) {
			return r.binding.value.RoleRef.Name == view.RightsPrefix+r.election
		}
	}
	return false
}
