package acceptance

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// rounds is how often the API server is asked what is wrong with a pod. Removing one
// thing can make another wrong.
const rounds = 12

// repair makes a pod valid by removing what the API server finds wrong with it, and
// gives it with the API server's answer. The answer is an error if that was not to be
// done.
func (p place) repair(ctx context.Context, t *testing.T, pod []byte) ([]byte, answer) {
	t.Helper()
	var tree map[string]any
	if err := json.Unmarshal(pod, &tree); err != nil {
		t.Fatal(err)
	}
	var got answer
	for range rounds {
		raw, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		if got = p.create(ctx, raw, dryRun); got.err == nil {
			return raw, got
		}
		r := remover{tree: tree, gone: map[string]bool{}}
		if !r.removeAll(faulty(got.err)) {
			break
		}
		sweep(tree)
	}
	return nil, got
}

// faulty are the fields that the API server complains of.
func faulty(err error) []string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return nil
	}
	var fields []string
	for _, cause := range status.Status().Details.Causes {
		fields = append(fields, cause.Field)
	}
	return fields
}

// step is one step of a field's path: a name, or what stands between brackets.
var step = regexp.MustCompile(`[^.\[\]]+|\[[^\]]*\]`)

// removed marks an entry of a list, so that the others keep their numbers.
type removed struct{}

// remover takes fields out of a tree.
type remover struct {
	tree map[string]any
	// gone are the paths of what was taken out.
	gone map[string]bool
}

// removeAll removes every field that can be; it is false when there is none.
func (r remover) removeAll(fields []string) bool {
	some := false
	for _, field := range fields {
		some = r.remove(step.FindAllString(field, -1)) || some
	}
	return some
}

// remove takes a field out, or else the deepest thing on its path that is there, if
// neither is gone. A pod keeps its metadata, its spec and its containers.
func (r remover) remove(path []string) bool {
	var node any = r.tree
	var cut func()
	var deepest string
	for i, name := range path {
		next, drop, ok := child(node, strings.Trim(name, "[]"))
		if !ok {
			break
		}
		deepest = strings.Join(path[:i+1], "/")
		if r.gone[deepest] {
			return true
		}
		node, cut = next, drop
		if i == 0 || path[1] == "containers" && i < 3 {
			cut = nil
		}
	}
	if r.gone[strings.Join(path, "/")] {
		return true
	}
	if cut == nil {
		return false
	}
	cut()
	r.gone[deepest], r.gone[strings.Join(path, "/")] = true, true
	return true
}

// child is what a node has of a name or number, with how to take it out. Names in the
// API server's messages are not always spelt as in JSON.
func child(node any, name string) (found any, drop func(), ok bool) {
	switch parent := node.(type) {
	case map[string]any:
		for key, value := range parent {
			if strings.EqualFold(key, name) {
				return value, func() { delete(parent, key) }, true
			}
		}
	case []any:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(parent) {
			return parent[i], func() { parent[i] = removed{} }, true
		}
	}
	return nil, nil, false
}

// sweep drops the entries that remove has marked.
func sweep(tree any) any {
	switch node := tree.(type) {
	case map[string]any:
		for key, value := range node {
			node[key] = sweep(value)
		}
	case []any:
		kept := []any{}
		for _, value := range node {
			if _, gone := value.(removed); !gone {
				kept = append(kept, sweep(value))
			}
		}
		return kept
	}
	return tree
}
