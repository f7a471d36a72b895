package injector

import (
	"fmt"
	"math"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

// What Kubernetes takes when a workload does not say.
const (
	defaultReplicas         = 1
	defaultPart             = "25%" // of a Deployment's pods
	defaultStep             = 1     // pods of a StatefulSet or DaemonSet
	defaultProgressDeadline = 600   // seconds
)

// The cures, said also where only the kind of a workload is known.
const (
	deploymentCure  = `"100%", or spec.strategy.type "Recreate"`
	statefulSetCure = `spec.updateStrategy.type "OnDelete"`
	daemonSetCure   = `"100%", or spec.updateStrategy.type "OnDelete"`
	orderedCure     = `"Parallel"`
)

// daemonSetSurgeCure is for one that makes new pods first: the API server takes
// maxUnavailable or maxSurge, never both.
const daemonSetSurgeCure = `"100%", with maxSurge 0, or spec.updateStrategy.type "OnDelete"`

const (
	stopsEffect = "a rolling update of unready standbys stops"
	// waits is why: nobody takes the lead from a pod that can lead.
	waits = ", for no new pod is Ready while an old one leads"
)

// unready says what pods that are not Ready do to the workload. One that is scaled
// to nothing is not judged.
func (t *Template) unready() []Finding {
	switch o := t.object.(type) {
	case *appsv1.Deployment:
		return unreadyDeployment(&o.Spec)
	case *appsv1.StatefulSet:
		return unreadyStatefulSet(&o.Spec)
	case *appsv1.DaemonSet:
		return unreadyDaemonSet(&o.Spec)
	}
	return nil
}

// unreadyDeployment follows the Deployment controller: it deletes no available
// pod while so many new ones are not that fewer than replicas - maxUnavailable
// would be left. The leader's old pod is available until it is deleted, so that
// this ends well only when none has to be left.
func unreadyDeployment(s *appsv1.DeploymentSpec) []Finding {
	replicas := ptr.Deref(s.Replicas, defaultReplicas)
	if replicas == 0 {
		return nil
	}
	var found []Finding
	least := replicas // for the Deployment to be available
	part := Fault{Key: "spec.strategy.rollingUpdate.maxUnavailable", Allowed: `"100%"`}
	if s.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		part.Key, part.Value = "spec.strategy.type", string(s.Strategy.Type)
		part.Allowed = `"RollingUpdate" with maxUnavailable "100%"`
	} else {
		var surge, unavailable *intstr.IntOrString
		if s.Strategy.RollingUpdate != nil {
			surge, unavailable = s.Strategy.RollingUpdate.MaxSurge, s.Strategy.RollingUpdate.MaxUnavailable
		}
		part = part.with(unavailable, defaultPart)
		least -= mayBeUnavailable(surge, unavailable, replicas)
		if least > 0 {
			stop := part
			stop.Reason, stop.Allowed = RolloutStops, deploymentCure+waits
			found = append(found, findings(stopsEffect, stop)...)
		}
	}
	if replicas == 1 {
		return found
	}
	if least > 1 {
		part.Reason = NeverAvailable
		found = append(found, findings(fmt.Sprintf("only the leader of %d pods is Ready, so the Deployment is never Available", replicas), part)...)
	}
	deadline := ptr.Deref(s.ProgressDeadlineSeconds, defaultProgressDeadline)
	if deadline != math.MaxInt32 {
		found = append(found, findings(
			fmt.Sprintf("no rollout of unready standbys counts as complete: after %d s it is said to have failed", deadline),
			Fault{
				Reason: DeadlineExceeded, Key: "spec.progressDeadlineSeconds",
				Value: strconv.Itoa(int(deadline)), Unset: s.ProgressDeadlineSeconds == nil,
				Allowed: strconv.Itoa(math.MaxInt32) + ", by which it is never said",
			})...)
	}
	return found
}

// mayBeUnavailable is a Deployment's maxUnavailable in pods, as Kubernetes rounds:
// surge up, unavailable down, and one where both come to nothing.
func mayBeUnavailable(surge, unavailable *intstr.IntOrString, replicas int32) int32 {
	byDefault := intstr.FromString(defaultPart)
	up := pods(ptr.Deref(surge, byDefault), replicas, true)
	down := pods(ptr.Deref(unavailable, byDefault), replicas, false)
	if up == 0 && down == 0 {
		return 1
	}
	return min(down, replicas)
}

// pods is how many pods a number or a part is; 0 if it can't be read, which the
// API server refuses.
func pods(v intstr.IntOrString, replicas int32, roundUp bool) int32 {
	n, _ := intstr.GetScaledValueFromIntOrPercent(&v, int(replicas), roundUp)
	return int32(n)
}

// unreadyStatefulSet follows the StatefulSet controller. With OrderedReady it
// makes, replaces and removes no pod while one of a lower number is not Ready. With
// Parallel it replaces none while as many as maxUnavailable are not.
func unreadyStatefulSet(s *appsv1.StatefulSetSpec) []Finding {
	replicas := ptr.Deref(s.Replicas, defaultReplicas)
	if replicas <= 1 {
		return nil
	}
	var found []Finding
	ordered := s.PodManagementPolicy != appsv1.ParallelPodManagement
	if ordered && replicas > 2 {
		found = append(found, findings(
			fmt.Sprintf("of %d pods the StatefulSet makes two, and waits for the unready standby", replicas),
			Fault{
				Reason: StaysIncomplete, Key: "spec.podManagementPolicy", Allowed: orderedCure,
				Value: string(appsv1.OrderedReadyPodManagement), Unset: s.PodManagementPolicy == "",
			})...)
	}
	if s.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
		return found
	}
	update := ptr.Deref(s.UpdateStrategy.RollingUpdate, appsv1.RollingUpdateStatefulSetStrategy{})
	step := ptr.Deref(update.MaxUnavailable, intstr.FromInt32(defaultStep))
	switch {
	case ptr.Deref(update.Partition, 0) >= replicas:
		return found // nothing is updated
	case !ordered && max(1, pods(step, replicas, true)) >= replicas:
		return found
	}
	return append(found, findings(stopsEffect, Fault{
		Reason: RolloutStops, Key: "spec.updateStrategy.type", Value: string(appsv1.RollingUpdateStatefulSetStrategyType),
		Unset: s.UpdateStrategy.Type == "", Allowed: statefulSetCure + `, and delete the pods yourself` + waits,
	})...)
}

// unreadyDaemonSet can't know how many pods there are to be: a number is enough
// for as many.
func unreadyDaemonSet(s *appsv1.DaemonSetSpec) []Finding {
	if s.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
		return nil
	}
	update := ptr.Deref(s.UpdateStrategy.RollingUpdate, appsv1.RollingUpdateDaemonSet{})
	step := update.MaxUnavailable
	effect := stopsEffect
	switch most := mostNodes(ptr.Deref(step, intstr.FromInt32(defaultStep))); {
	case most == math.MaxInt32:
		return nil
	case most == 1:
		effect += " on more than one node"
	case most > 1:
		effect += fmt.Sprintf(" on more than %d nodes", most)
	}
	cure := daemonSetCure
	if pods(ptr.Deref(update.MaxSurge, intstr.FromInt32(0)), 1, true) > 0 {
		cure = daemonSetSurgeCure
	}
	stop := Fault{Reason: RolloutStops, Key: "spec.updateStrategy.rollingUpdate.maxUnavailable", Allowed: cure + waits}
	return findings(effect, stop.with(step, strconv.Itoa(defaultStep)))
}

// mostNodes is on how many nodes all pods of a DaemonSet may be unavailable at once,
// which needs the part of them, rounded up, to be all of them.
func mostNodes(v intstr.IntOrString) int32 {
	const whole = 100
	if v.Type == intstr.Int {
		return v.IntVal
	}
	part := pods(v, whole, true)
	if part >= whole {
		return math.MaxInt32
	}
	return (whole - 1) / (whole - part)
}

// with sets the value, or the default that is in force.
func (f Fault) with(value *intstr.IntOrString, byDefault string) Fault {
	f.Value, f.Unset = byDefault, value == nil
	if value != nil {
		f.Value = value.String()
	}
	return f
}
