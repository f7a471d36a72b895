package injector

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// Reasons of findings, beside those of refusals and CannotInject.
const (
	// MisplacedKey is an annotation or label of ours on the workload's own metadata,
	// where no pod gets it from.
	MisplacedKey Reason = "MisplacedKey"
	// ForgedSelector is a label that only Leaseholder sets in the workload's selector.
	ForgedSelector Reason = "ForgedSelector"
	// LockIdentity is a lock outside the cluster that the sidecar reaches only with an
	// identity from the pod's surroundings.
	LockIdentity Reason = "LockIdentity"
	// ElectionPerRun is a Job whose every run would elect among itself.
	ElectionPerRun Reason = "ElectionPerRun"
	// RolloutStops is a rolling update that waits for standbys to become Ready.
	RolloutStops Reason = "RolloutStops"
	// NeverAvailable is a workload that would count as available with more Ready pods
	// than there can be.
	NeverAvailable Reason = "NeverAvailable"
	// DeadlineExceeded is a rollout that counts as failed though it is over.
	DeadlineExceeded Reason = "DeadlineExceeded"
	// StaysIncomplete is a workload that makes no further pod while one is not Ready.
	StaysIncomplete Reason = "StaysIncomplete"
	// BudgetHoldsLeader is a PodDisruptionBudget that never lets the leader be evicted.
	BudgetHoldsLeader Reason = "BudgetHoldsLeader"
)

// FindingReasons lists the reasons that no decision has.
func FindingReasons() []Reason {
	return []Reason{
		MisplacedKey, ForgedSelector, LockIdentity, ElectionPerRun, RolloutStops, NeverAvailable, DeadlineExceeded, StaysIncomplete, BudgetHoldsLeader,
	}
}

// Finding is one thing to know about a workload before its pods are made.
type Finding struct {
	// Reason is the stable code.
	Reason Reason
	// Message is one line: what comes of it, what it is for, and what is allowed.
	Message string
}

// Inspection is what there is to say about a workload.
type Inspection struct {
	// Decision is what would become of its pods.
	Decision Decision
	// Findings are in an order that depends on nothing but the workload: first for
	// what its pods are refused or left alone, then what does not do what it seems to.
	Findings []Finding
}

// speaker begins every message: kubectl does not say whose a warning is.
const speaker = "leaseholder: "

// The effects that several findings share.
const (
	refusedEffect   = "the pods are refused"
	leftAloneEffect = "the pods get no election sidecar"
	uselessEffect   = "this does nothing"
)

// Inspect decides about the pod that the workload's controller would make, and
// says what else would not go as everyone expects.
func Inspect(ns Namespace, t *Template, s Settings) Inspection {
	return InspectDecided(Decide(ns, t.Pod(), s), t)
}

// InspectDecided is Inspect with a decision about Template.Pod by who knows more.
func InspectDecided(d Decision, t *Template) Inspection {
	found := judged(d)
	found = append(found, t.misplaced()...)
	found = append(found, t.selected()...)
	if d.Election != "" {
		found = append(found, t.perRun()...)
	}
	if f, missing := identity(d.Lock, t.Pod()); missing {
		found = append(found, findings(needsIdentity, f)...)
	}
	found = append(found, d.notes...)
	if d.Standby == config.StandbyUnready {
		found = append(found, t.unready()...)
	}
	return Inspection{Decision: d, Findings: found}
}

// judged is why the pods are refused, or left alone against their namespace's
// wish.
func judged(d Decision) []Finding {
	effect := refusedEffect
	switch {
	case d.Reason == CannotInject:
		effect = leftAloneEffect
	case d.Outcome != Refused:
		return nil
	}
	if len(d.Faults) == 0 { // it was decided elsewhere
		return []Finding{{Reason: d.Reason, Message: speaker + effect + ": " + strings.TrimPrefix(d.Message, refusal)}}
	}
	return findings(effect, d.Faults...)
}

// misplaced are our keys on the metadata of the workload itself. What its template
// says too may well stand there.
func (t *Template) misplaced() []Finding {
	var faults []Fault
	look := func(path string, m *metav1.ObjectMeta) {
		for key, value := range m.Annotations {
			if said, ok := t.Pods.Annotations[key]; strings.HasPrefix(key, Prefix) && (!ok || said != value) {
				faults = append(faults, Fault{
					Reason: MisplacedKey, Key: path + ".annotations[" + key + "]", Value: value,
					Allowed: "in " + t.Path + ".metadata.annotations, which the pods get theirs from",
				})
			}
		}
		for key, value := range m.Labels {
			if strings.HasPrefix(key, Prefix) {
				faults = append(faults, Fault{
					Reason: MisplacedKey, Key: path + ".labels[" + key + "]", Value: value,
					Allowed: "no " + Prefix + " label, for Leaseholder alone sets them, on pods",
				})
			}
		}
	}
	look("metadata", &t.Metadata)
	look(cronOuterPath+".metadata", &t.outer)
	return findings(uselessEffect, faults...)
}

// selected are our labels in the selector: the webhook changes what pods have of
// them, and a controller whose selector they no longer match makes more and more.
func (t *Template) selected() []Finding {
	if t.Selector == nil {
		return nil
	}
	path := strings.TrimSuffix(t.Path, "template") + "selector"
	const allowed = "no " + Prefix + " label in a selector, for Leaseholder changes them on the pods"
	var faults []Fault
	for key, value := range t.Selector.MatchLabels {
		if strings.HasPrefix(key, Prefix) {
			faults = append(faults, Fault{Reason: ForgedSelector, Key: path + ".matchLabels[" + key + "]", Value: value, Allowed: allowed})
		}
	}
	for _, r := range t.Selector.MatchExpressions {
		if strings.HasPrefix(r.Key, Prefix) {
			faults = append(faults, Fault{
				Reason: ForgedSelector, Key: path + ".matchExpressions[" + r.Key + "]",
				Value: strings.TrimSpace(string(r.Operator) + " " + strings.Join(r.Values, ",")), Allowed: allowed,
			})
		}
	}
	return findings("the "+t.Kind+" loses its pods", faults...)
}

// perRun is that of a Job which is made again and again under other names.
func (t *Template) perRun() []Finding {
	again := t.Kind == "CronJob" || t.Kind == "Job" && (t.Metadata.GenerateName != "" || metav1.GetControllerOf(&t.Metadata) != nil)
	if _, named := t.Pods.Annotations[AnnotationElection]; named || !again {
		return nil
	}
	return findings("each run elects a leader of its own", Fault{
		Reason: ElectionPerRun, Key: AnnotationElection, Unset: true,
		Allowed: "a name, by which all runs stand in one election; without it, it is the Job's, and each run is another Job",
	})
}

// findings gives the faults one effect, in a stable order.
func findings(effect string, faults ...Fault) []Finding {
	sortFaults(faults)
	var found []Finding
	for _, f := range faults {
		found = append(found, Finding{Reason: f.Reason, Message: speaker + effect + ": " + f.String()})
	}
	return found
}
