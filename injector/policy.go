package injector

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// LabelInjection on a Namespace says what its pods get: one of Policies. Without
// it, each pod asks for itself.
const LabelInjection = Prefix + "injection"

// Policy is what an administrator says about the pods of a whole namespace.
//
// Of what speaks for or against a sidecar the first counts: Forbid, then the
// pod's own AnnotationInject, then Require, then Default.
type Policy string

// The policies.
const (
	// Unlabelled leaves the choice to each pod, and is the zero value.
	Unlabelled Policy = ""
	// Require gives the sidecar to every pod that does not say "false", and refuses
	// one that can't have it.
	Require Policy = "require"
	// Default gives the sidecar to every pod that does not say "false" and can have
	// it. A pod that can't is left alone, unless annotations of its own are wrong.
	Default Policy = "default"
	// Forbid refuses every pod that asks for the sidecar.
	Forbid Policy = "forbid"
)

// Policies lists the values of LabelInjection, the strongest first.
func Policies() []Policy { return []Policy{Forbid, Require, Default} }

// PolicyAllowed completes the sentence "allowed: …" for a label's value.
const PolicyAllowed = `"` + string(Forbid) + `", "` + string(Require) + `", "` + string(Default) + `"`

// Valid says whether the policy is one of Policies or Unlabelled.
func (p Policy) Valid() bool {
	return p == Unlabelled || p == Require || p == Default || p == Forbid
}

// injects says whether pods get the sidecar that do not speak of it.
func (p Policy) injects() bool { return p == Require || p == Default }

// Namespace is what a decision needs to know of a pod's namespace.
type Namespace struct {
	// Name is the namespace's. It must be set.
	Name string
	// Policy is the value of its LabelInjection.
	Policy Policy
}

// Speaks says whether a pod has an annotation of ours, so that it asks for something
// itself, whatever its namespace gives.
func Speaks(pod *corev1.Pod) bool {
	for key := range pod.Annotations {
		if strings.HasPrefix(key, Prefix) {
			return true
		}
	}
	return false
}

// forbidden is the fault of a pod that asks for a sidecar where there are none.
func forbidden(own annotations, ns Namespace) Fault {
	key := AnnotationInject
	if _, ok := own[key]; !ok {
		key = own.first()
	}
	return own.fault(InjectionForbidden, key, "",
		`no `+Prefix+` annotation but `+strings.TrimPrefix(AnnotationInject, Prefix)+` "false" in namespace `+quote(ns.Name)+`, which is labelled `+LabelInjection+`=`+string(Forbid))
}
