package podfuzz

import (
	"fmt"
	"maps"
	"slices"
)

// maps of the API, whose keys are the user's. An entry of another type than theirs
// could not be decoded.
var openMaps = []string{
	"labels", "annotations", "nodeSelector", "matchLabels", "limits", "requests", "overhead", "allocatedResources",
	"capacity", "options", "volumeAttributes", "userAnnotations",
}

// unknown are values that a field which nobody knows yet can have.
var unknown = []any{
	nil, true, 0, -1, 2.5, 1e30, 12345678901234567, "", "kept", "\"\\/\u2028\u00e9",
	[]any{},
	map[string]any{},
	[]any{nil, map[string]any{"a/b~c": []any{1, "2"}}},
	map[string]any{"name": sidecar, "": nil},
}

// sprinkle adds fields that no API has yet to some of the objects in a tree.
func (m *Maker) sprinkle(tree any) {
	switch node := tree.(type) {
	case map[string]any:
		// The order of a map is not that of the next run.
		for _, key := range slices.Sorted(maps.Keys(node)) {
			if !slices.Contains(openMaps, key) {
				m.sprinkle(node[key])
			}
		}
		if m.oneIn(3) {
			node[fmt.Sprintf("future~%d/x", m.random.Intn(10))] = unknown[m.random.Intn(len(unknown))]
		}
	case []any:
		for _, value := range node {
			m.sprinkle(value)
		}
	}
}
