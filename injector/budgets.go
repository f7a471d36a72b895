package injector

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// InspectBudgets says which of the PodDisruptionBudgets in the workload's
// namespace never let its leader be evicted, because they count the standbys as
// disrupted. The decision is that of Inspect.
func InspectBudgets(d Decision, t *Template, budgets []policyv1.PodDisruptionBudget) []Finding {
	replicas := t.replicas()
	if d.Standby != config.StandbyUnready || replicas <= 1 {
		return nil // the budget of one pod holds it with or without us
	}
	leader := labels.Merge(t.Pods.Labels, labels.Set{LabelElection: d.Election, LabelRole: RoleLeader})
	var faults []Fault
	for i := range budgets {
		b := &budgets[i]
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err != nil || !selector.Matches(leader) {
			continue
		}
		if fault, holds := holdsLeader(&b.Spec, replicas); holds {
			fault.Reason = BudgetHoldsLeader
			fault.Key = fmt.Sprintf("PodDisruptionBudget %s: %s", b.Name, fault.Key)
			faults = append(faults, fault)
		}
	}
	return findings("the leader can never be evicted, and its node not be drained", faults...)
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
