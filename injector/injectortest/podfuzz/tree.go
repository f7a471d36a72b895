package podfuzz

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Damage removes something from a pod, wherever it is.
func (m *Maker) Damage(raw []byte) ([]byte, error) {
	return change(raw, func(tree any) { m.remove(tree) })
}

// change decodes JSON, lets f change it in place, and encodes it again. Numbers stay
// as they are written.
func change(raw []byte, f func(tree any)) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var tree map[string]any
	if err := decoder.Decode(&tree); err != nil {
		return nil, fmt.Errorf("decode a random pod: %w", err)
	}
	f(tree)
	return json.Marshal(tree)
}

// remove takes one thing out of a tree, the likelier the less deep it is. It gives
// the tree without it.
func (m *Maker) remove(tree any) any {
	switch node := tree.(type) {
	case map[string]any:
		if len(node) == 0 {
			break
		}
		keys := slices.Sorted(maps.Keys(node)) // the order of a map is not that of the next run
		key := keys[m.random.Intn(len(keys))]
		if leaf(node[key]) || m.oneIn(6) {
			delete(node, key)
		} else {
			node[key] = m.remove(node[key])
		}
	case []any:
		if len(node) == 0 {
			break
		}
		i := m.random.Intn(len(node))
		if leaf(node[i]) || m.oneIn(4) {
			return slices.Delete(node, i, i+1)
		}
		node[i] = m.remove(node[i])
	}
	return tree
}

func leaf(tree any) bool {
	switch tree.(type) {
	case map[string]any, []any:
		return false
	default:
		return true
	}
}
