package injector

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxShown is how many characters of a value a message shows.
const maxShown = 100

// Fault is one thing for which a pod is refused.
type Fault struct {
	// Reason is the stable code.
	Reason Reason
	// Key is an annotation's key, or the path of a field of the pod.
	Key string
	// Value is what was found, or the default in force when Unset.
	Value string
	// Unset says that the pod does not set Key: Value is then the default that is
	// in force, or empty where there is none.
	Unset bool
	// Allowed completes the sentence "allowed: …".
	Allowed string
}

// String tells the fault in one line.
func (f Fault) String() string { return f.subject() + ": allowed: " + f.Allowed }

// subject is the key with its value.
func (f Fault) subject() string {
	switch {
	case f.Unset && f.Value == "":
		return f.Key + " (not set)"
	case f.Unset:
		return fmt.Sprintf("%s=%s (default)", f.Key, quote(f.Value))
	default:
		return f.Key + "=" + quote(f.Value)
	}
}

// quote keeps a value of any length and any characters to a short piece of one line.
func quote(value string) string {
	if runes := []rune(value); len(runes) > maxShown {
		value = string(runes[:maxShown]) + "…"
	}
	return fmt.Sprintf("%q", value)
}

// sortFaults puts faults into an order that depends on nothing else.
func sortFaults(faults []Fault) {
	slices.SortFunc(faults, func(a, b Fault) int {
		return cmp.Or(
			cmp.Compare(a.Key, b.Key),
			cmp.Compare(a.Value, b.Value),
			cmp.Compare(a.Allowed, b.Allowed),
			cmp.Compare(a.Reason, b.Reason),
		)
	})
}

// tell makes one line of sorted faults. Neighbours that are allowed the same
// share the sentence.
func tell(faults []Fault) string {
	var b strings.Builder
	for i, f := range faults {
		b.WriteString(f.subject())
		switch {
		case i+1 == len(faults):
			b.WriteString(": allowed: " + f.Allowed)
		case faults[i+1].Allowed == f.Allowed:
			b.WriteString(", ")
		default:
			b.WriteString(": allowed: " + f.Allowed + "; ")
		}
	}
	return b.String()
}

// gravest is the reason of a refusal for several faults.
func gravest(faults []Fault) Reason {
	return slices.MinFunc(faults, func(a, b Fault) int {
		return cmp.Compare(a.Reason.rank(), b.Reason.rank())
	}).Reason
}
