package injector

import (
	"fmt"
	"strings"
)

const (
	// maxEntries is how many labels, and how many annotations, a pod may bring. More are
	// refused to those who change it later, by a policy of the chart: the policy that
	// lets the webhook change the labels of a pod looks at all, and may cost no more
	// than the API server allows.
	maxEntries = 1000
	// maxSince is how many more a pod may have that has the sidecar already: what was
	// added since, by us or by others.
	maxSince = 100
)

// checkMetadata refuses a pod with so many labels or annotations that its role could
// not be changed any more.
func checkMetadata(c *candidate) []Fault {
	most := maxEntries
	if c.sidecar >= 0 {
		most += maxSince
	}
	var faults []Fault
	for what, entries := range map[string]map[string]string{"labels": c.pod.Labels, "annotations": c.pod.Annotations} {
		if n := foreign(entries); n > most {
			faults = append(faults, Fault{
				Reason: TooMuchMetadata, Key: "metadata." + what, Value: fmt.Sprintf("%d %s", n, what),
				Allowed: fmt.Sprintf("at most %d in a pod with the election sidecar", most),
			})
		}
	}
	return faults
}

// foreign counts the entries that are not ours.
func foreign(entries map[string]string) int {
	n := 0
	for key := range entries {
		if !strings.HasPrefix(key, Prefix) {
			n++
		}
	}
	return n
}
