package inject

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leaseholder-dev/leaseholder/injector"
)

// quote puts our annotations and labels in quotes that stand without, of the object
// and of all that its template is in, and tells which. Nothing else of an object
// could be read otherwise.
func quote(tree map[string]any, template []string) (unquoted []string) {
	for depth := range len(template) + 1 {
		metadata, _ := dig(tree, template[:depth])["metadata"].(map[string]any)
		for _, kind := range []string{"annotations", "labels"} {
			pairs, _ := metadata[kind].(map[string]any)
			for _, key := range slices.Sorted(maps.Keys(pairs)) {
				value := pairs[key]
				if _, ok := value.(string); ok || value == nil || !strings.HasPrefix(key, injector.Prefix) {
					continue
				}
				written, err := json.Marshal(value)
				if err != nil {
					continue // the reader of the object says so
				}
				pairs[key] = string(written)
				unquoted = append(unquoted, fmt.Sprintf("%s=%.100s: allowed: a string, in quotes", key, written))
			}
		}
	}
	return unquoted
}

// asked is the path of the first annotations by which something asks for the
// sidecar, in whatever kind of object; empty when there are none.
func asked(tree any, path string) string {
	switch tree := tree.(type) {
	case map[string]any:
		if value, ok := tree[injector.AnnotationInject]; ok && value != "false" {
			return path
		}
		for _, key := range slices.Sorted(maps.Keys(tree)) {
			if at := asked(tree[key], path+"/"+key); at != "" {
				return at
			}
		}
	case []any:
		for i, item := range tree {
			if at := asked(item, fmt.Sprintf("%s/%d", path, i)); at != "" {
				return at
			}
		}
	}
	return ""
}
