package inject

import (
	"fmt"
	"slices"
	"strings"

	"gomodules.xyz/jsonpatch/v2"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// findPolicies takes note of what the Namespaces of the input say.
func (m *Manifests) findPolicies(objects []*object) {
	for _, o := range objects {
		if policy, labelled := policyOf(o); labelled && policy.Valid() {
			if m.policies == nil {
				m.policies = map[string]injector.Policy{}
			}
			m.policies[o.Name] = policy
		}
	}
}

// policyOf is what a Namespace is labelled with, right or wrong.
func policyOf(o *object) (policy injector.Policy, labelled bool) {
	label, labelled := o.Labels[injector.LabelInjection]
	return injector.Policy(label), labelled && o.APIVersion == "v1" && o.Kind == "Namespace"
}

// judge decides about one object, as the webhook would about its pods, and tells what
// there is to tell. Of an object that is refused or makes no pods, nothing is decided.
func (m *Manifests) judge(d *document, o *object) injector.Decision {
	if policy, labelled := policyOf(o); labelled && !slices.Contains(injector.Policies(), policy) {
		m.refuse(d, o, fmt.Sprintf("label %s=%q: allowed: %s", injector.LabelInjection, policy, injector.PolicyAllowed))
		return injector.Decision{}
	}
	if o.pod == nil && len(o.unquoted) == 0 {
		m.leave(d, o, "it has no pod template", false)
		return injector.Decision{}
	}
	faults := o.unquoted
	namespace := m.namespaceOf(o)
	var decision injector.Decision
	if o.pod != nil {
		decision = injector.Decide(namespace, o.pod, m.settings)
		if unsure := complete(o, &decision); decision.Outcome == injector.Refused || unsure {
			faults = append(faults, decision.Message)
		}
	}
	if len(faults) > 0 {
		m.refuse(d, o, strings.Join(faults, "; "))
		return injector.Decision{}
	}
	if decision.Election != "" && view.Excluded(namespace.Name, "") {
		m.refuse(d, o, fmt.Sprintf("there are no elections in namespace %q, which belongs to Kubernetes", namespace.Name))
		return injector.Decision{}
	}
	warnings := o.warnings(decision)
	for _, warning := range warnings {
		m.warnf(d, o, "%s", warning)
	}
	switch {
	case decision.Election != "":
	case decision.Reason == injector.CannotInject && len(warnings) > 0: // the warning has the same words
	default:
		m.leave(d, o, decision.Message, len(warnings) > 0)
	}
	return decision
}

// leave is about an object that comes out as it went in. When it asks for the
// sidecar and no warning has told why it gets none, that is said in any case.
func (m *Manifests) leave(d *document, o *object, reason string, warned bool) {
	asked := o.asked != "" && !warned
	switch {
	case asked && (o.pod == nil || o.asked != o.template+annotationsPath):
		m.warnf(d, o, "%s at %s does nothing: no pod template is known there; pods that get it from there are injected by the webhook",
			injector.AnnotationInject, o.asked)
	case m.verbose || asked || m.only && o.pod != nil && !warned:
		m.tellf("%s: %s: left alone: %s", d, o, reason)
	}
}

// annotationsPath leads from a pod to its annotations.
const annotationsPath = "/metadata/annotations"

func (m *Manifests) namespaceOf(o *object) injector.Namespace {
	ns := injector.Namespace{Name: o.Namespace, Policy: m.policy}
	if ns.Name == "" {
		ns.Name = m.namespace
	}
	if policy, ok := m.policies[ns.Name]; ok {
		ns.Policy = policy
	}
	return ns
}

// fieldNamespace is the key of the fault that there is no namespace.
const fieldNamespace = "metadata.namespace"

// complete says in a decision's message what can be done here about what is known
// to the cluster alone. Unsure is a decision that would be another one there.
func complete(o *object, d *injector.Decision) (unsure bool) {
	for _, fault := range d.Faults {
		allowed := fault.Allowed
		switch {
		case fault.Key == fieldNamespace && fault.Value == "":
			allowed += ", of the object itself or given with --namespace, for the sidecar is told it"
			unsure = true
		case fault.Reason == injector.NoElection && o.unnamed != "":
			allowed, _, _ = strings.Cut(allowed, ", and must be set")
			allowed += ", and must be set, for " + o.unnamed
		}
		d.Message = strings.Replace(d.Message, fault.Allowed, allowed, 1)
	}
	if slices.ContainsFunc(d.Faults, func(f injector.Fault) bool { return f.Reason == injector.OtherInjection }) {
		d.Message += "; if it was injected here before, inject its original again"
	}
	return unsure
}

// place turns operations on a pod into some on the document that it is in.
func place(o *object, patch []jsonpatch.Operation) []jsonpatch.Operation {
	if len(patch) == 0 {
		return nil
	}
	at := o.path + o.template
	var ops []jsonpatch.Operation
	if o.metadataMissing {
		ops = append(ops, jsonpatch.NewOperation("add", at+"/metadata", map[string]any{}))
	}
	for _, op := range patch {
		op.Path = at + op.Path
		ops = append(ops, op)
	}
	return ops
}

// warnings are what is said when the object is applied, of kinds of which something
// is, and otherwise what is said of its pods.
func (o *object) warnings(d injector.Decision) []string {
	t, err := injector.ReadTemplate(o.raw)
	if err != nil {
		return d.Warnings
	}
	var all []string
	for _, f := range injector.InspectDecided(d, t).Findings {
		all = append(all, strings.TrimPrefix(f.Message, "leaseholder: "))
	}
	return all
}
