package ownership

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
)

// Annotation of a Lease is the record: the workload that the election belongs to,
// such as "deployment/orders", or nothing when all that stand in it name it.
// Without the annotation, the election is open to all.
const Annotation = injector.Prefix + "workload"

// Record says whose an election is. The zero value is that of an open one.
type Record struct {
	recorded bool
	workload string
}

// Of is the record of a Lease.
func Of(lease metav1.Object) Record {
	workload, recorded := lease.GetAnnotations()[Annotation]
	return Record{recorded: recorded, workload: workload}
}

// First is the record of an election that is made for these pods.
func First(members []Member) Record {
	owners := owners(members)
	if len(owners) == 0 {
		return Record{recorded: true}
	}
	return Record{recorded: true, workload: slices.Min(owners)}
}

// Next is what the record has to become, given all pods of the election.
func (r Record) Next(members []Member) Record {
	owners := owners(members)
	switch {
	case !r.recorded:
	case r.workload != "":
		if !slices.Contains(owners, r.workload) && slices.ContainsFunc(members, r.owns) {
			return Record{recorded: true}
		}
	case len(owners) > 0 && !slices.ContainsFunc(members, func(m Member) bool { return m.Workload != members[0].Workload }):
		return Record{recorded: true, workload: owners[0]}
	}
	return r
}

func (r Record) owns(m Member) bool { return m.Workload == r.workload }

// owners are the workloads that do not name their election, each once for each pod.
func owners(members []Member) []string {
	var owners []string
	for _, m := range members {
		if !m.Named {
			owners = append(owners, m.Workload)
		}
	}
	return owners
}

// Write puts the record on a Lease. It leaves a Lease open that is.
func (r Record) Write(lease *metav1.ObjectMeta) {
	if r.recorded {
		metav1.SetMetaDataAnnotation(lease, Annotation, r.workload)
	}
}

// Shared says that a pod must name the election to stand in it, so that it matters
// who else does.
func (r Record) Shared() bool { return r.recorded && r.workload == "" }

// Refuses says whether a pod must not stand in the election, beside these others.
func (r Record) Refuses(m Member, others []Member) (*Refusal, bool) {
	switch {
	case r.recorded && r.workload != "":
		return &Refusal{Owner: r.workload}, !r.owns(m)
	case r.Shared() && !m.Named:
		// The first in the alphabet, so that the same is said the next time.
		strangers := slices.DeleteFunc(slices.Clone(others), func(other Member) bool { return other.Workload == m.Workload })
		if len(strangers) > 0 {
			first := slices.MinFunc(strangers, func(a, b Member) int { return strings.Compare(a.Workload, b.Workload) })
			return &Refusal{Owner: first.Workload, Shared: true}, true
		}
	}
	return nil, false
}
