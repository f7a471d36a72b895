package ownership

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/leaseholder-dev/leaseholder/injector"
)

// Reason is the stable code of a refusal.
const Reason injector.Reason = "OthersElection"

// maxName is the length of the longest workload that is told as it is.
const maxName = 100

// Refusal is why a pod must not stand in an election.
type Refusal struct {
	// Owner is whose the election is, or with Shared a workload that stands in it;
	// empty for a pod without a controller.
	Owner string
	// Shared says that the election is for those who name it, which the pod does not.
	Shared bool
}

// Tell says whose an election is, and the ways out.
func (r *Refusal) Tell(namespace, election string) string {
	if r.Shared {
		return fmt.Sprintf("election %q in namespace %q is shared by those that name it, such as %s, and this pod does not name it: "+
			"name it with %s: %s, or name another one",
			election, namespace, name(r.Owner), injector.AnnotationElection, election)
	}
	return fmt.Sprintf("election %q in namespace %q belongs to %s, which has it by default: "+
		"name another one with %s, or to share it let %s name it too, with %s: %s in its template; "+
		"if that workload is gone for good, take the annotation %s from the Lease",
		election, namespace, name(r.Owner), injector.AnnotationElection, name(r.Owner), injector.AnnotationElection, election, Annotation)
}

// name is how a message names a workload of any length.
func name(workload string) string {
	if workload == "" {
		return "a pod without a controller"
	}
	if len(workload) > maxName || strings.ContainsFunc(workload, func(r rune) bool { return !unicode.IsGraphic(r) }) {
		return fmt.Sprintf("%.100q", workload) // the Lease's annotation can hold anything
	}
	return workload
}
