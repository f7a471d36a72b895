package injector

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// InspectBudgets says which of the PodDisruptionBudgets in the workload's
// namespace never let its leader be evicted, because they count the standbys as
// disrupted. Where other pods can count too, it says that. The decision is that of
// Inspect.
func InspectBudgets(d Decision, t *Template, budgets []policyv1.PodDisruptionBudget) []Finding {
	replicas := t.replicas()
	if d.Standby != config.StandbyUnready || replicas <= 1 {
		return nil // the budget of one pod holds it with or without us
	}
	leader := labels.Merge(t.Pods.Labels, labels.Set{LabelElection: d.Election, LabelRole: RoleLeader})
	var always, alone []Fault
	for i := range budgets {
		b := &budgets[i]
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err != nil || !selector.Matches(leader) {
			continue
		}
		fault, holds := holdsLeader(&b.Spec, replicas)
		if !holds {
			continue
		}
		fault.Reason = BudgetHoldsLeader
		fault.Key = fmt.Sprintf("PodDisruptionBudget %s: %s", b.Name, fault.Key)
		if othersCount(&b.Spec) && !t.only(selector) {
			alone = append(alone, fault)
		} else {
			always = append(always, fault)
		}
	}
	const effect = "the leader can never be evicted, and its node not be drained"
	return append(findings(effect, always...), findings(effect+", unless other pods of the budget are Ready", alone...)...)
}

// holdsLeader follows the disruption controller, which lets a Ready pod go when
// more pods than are wanted are Ready. Only the leader is.
func holdsLeader(s *policyv1.PodDisruptionBudgetSpec, replicas int32) (fault Fault, holds bool) {
	switch {
	case s.MaxUnavailable != nil:
		fault = Fault{Key: "spec.maxUnavailable", Allowed: `minAvailable 0 instead, or "100%", for only the leader is Ready`}
		return fault.with(s.MaxUnavailable, ""), pods(*s.MaxUnavailable, replicas, true) < replicas
	case s.MinAvailable != nil:
		fault = Fault{Key: "spec.minAvailable", Allowed: "0, for only the leader is Ready"}
		return fault.with(s.MinAvailable, ""), pods(*s.MinAvailable, replicas, true) >= 1
	}
	return Fault{}, false
}

// othersCount is whether Ready pods of others can make up for the standbys. Not for
// a number that may be unavailable, which the standbys use up, and not when all have
// to be available.
func othersCount(s *policyv1.PodDisruptionBudgetSpec) bool {
	if s.MaxUnavailable != nil {
		return s.MaxUnavailable.Type == intstr.String
	}
	const whole = 100
	return s.MinAvailable.Type == intstr.Int || pods(*s.MinAvailable, whole, true) < whole
}

// only is whether a selector can match no other pods than the workload's: it asks for
// the workload's election, or for all that the workload's own selector does, which
// Kubernetes wants to be no other's.
func (t *Template) only(selector labels.Selector) bool {
	if _, ok := selector.RequiresExactMatch(LabelElection); ok {
		return true
	}
	own, err := metav1.LabelSelectorAsSelector(t.Selector)
	if err != nil || own.Empty() {
		return false
	}
	asked, _ := selector.Requirements()
	needed, selectable := own.Requirements()
	return selectable && !slices.ContainsFunc(needed, func(r labels.Requirement) bool {
		value, exact := selector.RequiresExactMatch(r.Key())
		implied := exact && r.Matches(labels.Set{r.Key(): value})
		return !implied && !slices.ContainsFunc(asked, r.Equal)
	})
}

// replicas is how many pods the workload is to have; 0 where it does not say.
func (t *Template) replicas() int32 {
	switch o := t.object.(type) {
	case *appsv1.Deployment:
		return ptr.Deref(o.Spec.Replicas, defaultReplicas)
	case *appsv1.StatefulSet:
		return ptr.Deref(o.Spec.Replicas, defaultReplicas)
	case *appsv1.ReplicaSet:
		return ptr.Deref(o.Spec.Replicas, defaultReplicas)
	case *corev1.ReplicationController:
		return ptr.Deref(o.Spec.Replicas, defaultReplicas)
	}
	return 0
}
