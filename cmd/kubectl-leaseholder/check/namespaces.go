package check

import (
	"fmt"
	"strings"

	"github.com/leaseholder-dev/leaseholder/injector"
)

// policyOf is what a namespace says about its pods, as far as it may be read.
func (s *snapshot) policyOf(namespace string) injector.Policy {
	if s.namespaces.value == nil {
		return injector.Unlabelled
	}
	for i := range *s.namespaces.value {
		if n := &(*s.namespaces.value)[i]; n.Name == namespace {
			return injector.Policy(n.Labels[injector.LabelInjection])
		}
	}
	return injector.Unlabelled
}

// labelled tells of the namespaces that say something about their pods.
func (s *snapshot) labelled() result {
	const what = "Namespaces"
	if s.namespaces.err != nil {
		r := unreadable(what, "namespaces and their label "+injector.LabelInjection, s.namespaces.err)
		r.message += ": pods are judged by their annotations alone"
		return r
	}
	var wrong []string
	by := map[injector.Policy][]string{}
	for i := range *s.namespaces.value {
		n := &(*s.namespaces.value)[i]
		label, found := n.Labels[injector.LabelInjection]
		switch policy := injector.Policy(label); {
		case !found:
		case policy == injector.Unlabelled || !policy.Valid():
			wrong = append(wrong, fmt.Sprintf("%s: %s=%q", n.Name, injector.LabelInjection, label))
		default:
			by[policy] = append(by[policy], n.Name)
		}
	}
	if len(wrong) > 0 {
		r := warnf(what, "set the label to one of "+injector.PolicyAllowed+", or remove it", "%d with a label that says nothing", len(wrong))
		r.details = some(wrong)
		return r
	}
	r := okf(what, "none is labelled %s: each pod asks for itself", injector.LabelInjection)
	for _, policy := range injector.Policies() {
		if names := by[policy]; len(names) > 0 {
			r.details = append(r.details, fmt.Sprintf("%s: %s", policy, strings.Join(some(names), ", ")))
		}
	}
	if len(r.details) > 0 {
		r.message = "some say what their pods get, by the label " + injector.LabelInjection
	}
	return r
}

// maxShown is how many lines or names of one kind are shown.
const maxShown = 20

// some shortens a list.
func some(lines []string) []string {
	if len(lines) <= maxShown {
		return lines
	}
	return append(lines[:maxShown:maxShown], fmt.Sprintf("and %d more", len(lines)-maxShown))
}
