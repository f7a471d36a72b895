package injector

import (
	"slices"
	"strings"
)

// forged are the faults of the labels that only Leaseholder sets, but for those
// that are expected: a pod could otherwise draw the leader's traffic to itself.
func forged(labels map[string]string, expected ...string) []Fault {
	var faults []Fault
	for key, value := range labels {
		if strings.HasPrefix(key, Prefix) && !slices.Contains(expected, key) {
			faults = append(faults, Fault{
				Reason: ForgedLabel, Key: "metadata.labels[" + key + "]", Value: value,
				Allowed: "no " + Prefix + " label in a pod or its template, for Leaseholder alone sets them",
			})
		}
	}
	return faults
}
