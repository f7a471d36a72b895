package injectortest

import (
	"fmt"
	"slices"
)

// Lost names the first thing of a pod before, as JSON is decoded, that the pod after
// does not have, or nothing. Lists may have more entries, but none in another order.
func Lost(before, after any) string {
	switch b := before.(type) {
	case nil:
		return ""
	case map[string]any:
		a, ok := after.(map[string]any)
		if !ok {
			return "an object"
		}
		for key, value := range b {
			found, ok := a[key]
			if !ok {
				return key
			}
			if what := Lost(value, found); what != "" {
				return key + "." + what
			}
		}
	case []any:
		a, ok := after.([]any)
		if !ok {
			return "a list"
		}
		for i, value := range b {
			at := slices.IndexFunc(a, func(found any) bool { return Lost(value, found) == "" })
			if at < 0 {
				return fmt.Sprintf("[%d]", i)
			}
			a = a[at+1:]
		}
	default:
		if before != after {
			return fmt.Sprintf("%v", before)
		}
	}
	return ""
}
