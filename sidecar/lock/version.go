package lock

import (
	"cmp"
	"strings"
)

// Version orders the changes of one lock: a decimal number of any length, as
// Kubernetes' resource versions are (KEP-5504). Empty is before every other.
type Version string

// Compare is negative when v is before w, zero when they are the same, and
// positive when v is after w.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(len(v), len(w)), strings.Compare(string(v), string(w)))
}
