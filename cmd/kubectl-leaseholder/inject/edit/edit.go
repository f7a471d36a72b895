// Package edit adds to a YAML or JSON document what the operations of a JSON
// Patch say, and leaves every other byte of it alone: comments, the order of
// keys, quotes, blank lines, indentation and ends of lines are the user's.
//
// It promises that the result says what the patch makes of the document, no more
// and no less: both are compared as JSON before anything is given back, and what
// can't be written in place is an error. An alias that a change goes through is
// written out first, so that no other place of the document changes with it.
package edit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	jsonpatch "github.com/evanphx/json-patch/v5"
	yaml "go.yaml.in/yaml/v3"
	operations "gomodules.xyz/jsonpatch/v2"
	k8syaml "sigs.k8s.io/yaml"
)

// errPlace says that a document is laid out in a way that can't be added to.
var errPlace = errors.New("the document can't be change in place")

// Apply gives the document with all operations done, which must be "add".
func Apply(document []byte, ops []operations.Operation) ([]byte, error) {
	wanted, err := patched(document, ops)
	if err != nil {
		return nil, err
	}
	text, err := addAll(document, ops)
	if err != nil {
		return nil, err
	}
	same, err := says(text, wanted)
	if err != nil {
		return nil, err
	}
	if !same {
		return nil, errPlace
	}
	return text, nil
}

// patched is what the document is to say, as JSON.
func patched(document []byte, ops []operations.Operation) ([]byte, error) {
	said, err := k8syaml.YAMLToJSON(document)
	if err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	raw, err := json.Marshal(ops)
	if err != nil {
		return nil, fmt.Errorf("write the patch: %w", err)
	}
	patch, err := jsonpatch.DecodePatch(raw)
	if err != nil {
		return nil, fmt.Errorf("read the patch: %w", err)
	}
	wanted, err := patch.Apply(said)
	if err != nil {
		return nil, fmt.Errorf("apply the patch: %w", err)
	}
	return wanted, nil
}

// says compares what a document says with what it should.
func says(document, wanted []byte) (bool, error) {
	got, err := k8syaml.YAMLToJSON(document)
	if err != nil {
		return false, fmt.Errorf("%w: %w", errPlace, err)
	}
	var a, b any
	for _, side := range []struct {
		raw  []byte
		into *any
	}{{got, &a}, {wanted, &b}} {
		decoder := json.NewDecoder(bytes.NewReader(side.raw))
		decoder.UseNumber()
		if err := decoder.Decode(side.into); err != nil {
			return false, fmt.Errorf("compare what was written: %w", err)
		}
	}
	return reflect.DeepEqual(a, b), nil
}

// add walks to the parent of what is to be added. With again, an alias is written
// out instead, and the walk has to begin anew.
func (d *document) add(path []string, value *yaml.Node) (change splice, again bool, err error) {
	at := place{node: d.root, indent: -1, flow: d.root.Style&yaml.FlowStyle != 0}
	for i := 0; ; i++ {
		if change, ok, err := d.unshare(at); ok || err != nil {
			return change, true, err
		}
		if i == len(path)-1 {
			break
		}
		next, merged, ok := d.child(at, path[i])
		if !ok {
			return splice{}, false, fmt.Errorf("%w: there is no %q", errPlace, path[i])
		}
		if merged {
			change, err = d.insertKey(at, path[i], next.node)
			return change, true, err
		}
		at = next
	}
	last := path[len(path)-1]
	if at.node.Kind == yaml.SequenceNode {
		change, err = d.insertItem(at, last, value)
		return change, false, err
	}
	if at.node.Kind != yaml.MappingNode {
		return splice{}, false, errPlace
	}
	if old, merged, ok := d.child(at, last); ok && !merged {
		// A value with an anchor may be wanted elsewhere.
		if change, ok, err := d.unshare(old); ok || err != nil {
			return change, true, err
		}
		change, err = d.replace(old, value)
		return change, false, err
	}
	change, err = d.insertKey(at, last, value)
	return change, false, err
}

// unshare writes out the alias that stands at a place, or all aliases of what is
// there.
func (d *document) unshare(at place) (change splice, ok bool, err error) {
	if at.node.Kind == yaml.AliasNode {
		change, err = d.replace(at, at.node.Alias)
		return change, true, err
	}
	if at.node.Anchor == "" {
		return splice{}, false, nil
	}
	var found *place
	d.walk(place{node: d.root, indent: -1, flow: d.root.Style&yaml.FlowStyle != 0}, func(p place) {
		if p.node.Kind == yaml.AliasNode && p.node.Alias == at.node && found == nil {
			found = &p
		}
	})
	if found == nil {
		return splice{}, false, nil
	}
	change, err = d.replace(*found, at.node)
	return change, true, err
}

// mergeTag is that of the key "<<".
const mergeTag = "!!merge"

// child finds a key of a mapping or an index of a sequence. A key that is merged
// in has no place of its own.
func (d *document) child(at place, token string) (next place, merged, ok bool) {
	switch at.node.Kind {
	case yaml.SequenceNode:
		i, ok := index(token, len(at.node.Content)-1)
		if !ok {
			return place{}, false, false
		}
		return d.item(at, i), false, true
	case yaml.MappingNode:
		for i := 0; i+1 < len(at.node.Content); i += 2 {
			if at.node.Content[i].Value == token && at.node.Content[i].Kind == yaml.ScalarNode {
				return d.pair(at, i), false, true
			}
		}
		if node := mergedIn(at.node, token); node != nil {
			return place{node: node}, true, true
		}
	default: // has no children
	}
	return place{}, false, false
}

// mergedIn is the value of a key that "<<" brings; nil when it brings none.
func mergedIn(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Tag != mergeTag {
			continue
		}
		sources := []*yaml.Node{mapping.Content[i+1]}
		if sources[0].Kind == yaml.SequenceNode {
			sources = sources[0].Content
		}
		for _, source := range sources {
			source = resolved(source)
			for j := 0; j+1 < len(source.Content); j += 2 {
				if source.Content[j].Value == key {
					return resolved(source.Content[j+1])
				}
			}
			if node := mergedIn(source, key); node != nil {
				return node
			}
		}
	}
	return nil
}

func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
