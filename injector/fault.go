package injector

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a message tells of a pod that nobody has judged yet, and so may hold
// anything in any length.
const (
	// maxShown is how many characters of a value a message shows.
	maxShown = 100
	// maxKey is how many characters of a key it shows: more than the longest path of
	// a label or annotation has.
	maxKey = 400
	// maxTold is how many faults it tells, and maxListed how many things of one kind
	// a fault lists.
	maxTold, maxListed = 100, 10
)

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
		return showKey(f.Key) + " (not set)"
	case f.Unset:
		return fmt.Sprintf("%s=%s (default)", showKey(f.Key), quote(f.Value))
	default:
		return showKey(f.Key) + "=" + quote(f.Value)
	}
}

// showKey shows a key as it is, if it can be one.
func showKey(key string) string {
	if len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return !unicode.IsGraphic(r) }) {
		return quote(key)
	}
	return key
}

// list joins some of many words, and counts the others.
func list(words []string) string {
	if len(words) <= maxListed {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:maxListed], ", "), len(words)-maxListed)
}

// quote keeps a value of any length and any characters to a short piece of one line.
func quote(value string) string {
	if len(value) > maxShown { // in bytes, of which there are no fewer
		if runes := []rune(value[:min(len(value), maxShown*utf8.UTFMax)]); len(runes) > maxShown {
			value = string(runes[:maxShown]) + "…"
		}
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

// tell makes one line of sorted faults, and counts those that are too many.
func tell(faults []Fault) string {
	told := faults[:min(len(faults), maxTold)]
	return tellAll(told) + more(len(faults)-len(told))
}

// tellAll tells each fault. Neighbours that are allowed the same share the sentence.
func tellAll(faults []Fault) string {
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
