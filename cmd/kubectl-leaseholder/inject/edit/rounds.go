package edit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v3"
	operations "gomodules.xyz/jsonpatch/v2"
)

// addition is one operation.
type addition struct {
	pointer string
	path    []string
	value   *yaml.Node
}

// unescape reads a token of a JSON Pointer (RFC 6901).
var unescape = strings.NewReplacer("~1", "/", "~0", "~")

func read(op operations.Operation) (addition, error) {
	raw, err := json.Marshal(op.Value)
	if err != nil {
		return addition{}, fmt.Errorf("write the value: %w", err)
	}
	var value yaml.Node
	if err := yaml.Unmarshal(raw, &value); err != nil {
		return addition{}, fmt.Errorf("read the value: %w", err)
	}
	if op.Operation != "add" || !strings.HasPrefix(op.Path, "/") {
		return addition{}, fmt.Errorf("%w by operation %q", errPlace, op.Operation)
	}
	a := addition{pointer: op.Path, path: strings.Split(op.Path[1:], "/"), value: value.Content[0]}
	for i := range a.path {
		a.path[i] = unescape.Replace(a.path[i])
	}
	return a, nil
}

// parent is the pointer of what something is added to.
func parent(pointer string) string { return pointer[:max(0, strings.LastIndexByte(pointer, '/'))] }

// within says whether a pointer leads into one of these.
func within(pointer string, these map[string]bool) bool {
	for pointer != "" {
		if pointer = parent(pointer); these[pointer] {
			return true
		}
	}
	return false
}

// addAll does the operations in rounds: the document is read once for all of those
// that do not depend on each other, such as those in different items of a List.
func addAll(text []byte, ops []operations.Operation) ([]byte, error) {
	var pending []addition
	for _, op := range ops {
		a, err := read(op)
		if err != nil {
			return nil, fmt.Errorf("add %s: %w", op.Path, err)
		}
		pending = append(pending, a)
	}
	// Each round does the first operation, or writes out one of the aliases on its
	// way, and there are not more than that.
	aliases := bytes.Count(text, []byte("*")) + bytes.Count(text, []byte("<<"))
	for rounds := 0; len(pending) > 0; rounds++ {
		d, err := parse(text)
		if err != nil {
			return nil, err
		}
		if rounds > len(ops)*(aliases+1) {
			return nil, errPlace
		}
		if text, pending, err = d.round(pending); err != nil {
			return nil, err
		}
	}
	return text, nil
}

// round does what it can, and gives back what has to wait for the next one: what
// leads into a collection that is added to before it, and what changes the same
// place as something else.
func (d *document) round(pending []addition) (text []byte, later []addition, err error) {
	var changes []splice
	changed := map[string]bool{}
	for _, a := range pending {
		wait := within(a.pointer, changed)
		if !wait {
			change, again, err := d.add(a.path, a.value)
			if err != nil {
				return nil, nil, fmt.Errorf("add %s: %w", a.pointer, err)
			}
			touches := slices.ContainsFunc(changes, change.touches)
			if !touches {
				changes = append(changes, change)
			}
			wait = touches || again
		}
		if wait {
			later = append(later, a)
		}
		changed[parent(a.pointer)] = true
	}
	return d.spliced(changes), later, nil
}

// splice puts text in the place of the bytes from start to end.
type splice struct {
	start, end int
	text       string
}

func (s splice) touches(other splice) bool { return s.start <= other.end && other.start <= s.end }

// spliced is the document with changes that do not touch each other.
func (d *document) spliced(changes []splice) []byte {
	slices.SortFunc(changes, func(a, b splice) int { return a.start - b.start })
	var text []byte
	at := 0
	for _, s := range changes {
		text = append(append(text, d.text[at:s.start]...), s.text...)
		at = s.end
	}
	return append(text, d.text[at:]...)
}
