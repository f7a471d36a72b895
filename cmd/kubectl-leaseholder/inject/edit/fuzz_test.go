package edit

import (
	"bytes"
	"testing"

	"gomodules.xyz/jsonpatch/v2"
)

// FuzzApply tries documents of any layout: none may end in a panic, and what is
// written must say what was meant, which Apply itself compares.
func FuzzApply(f *testing.F) {
	for _, seed := range []string{
		"a:\n  b: c\n", "a: {b: [c]}\n", "a: &x\n- b\nc: *x\n", "? a\n: b\n", "a: |+\n  b\n\n", "- - a\n", "{\"a\":{\"b\":[]}}",
		"a: !!map\n  b: \"c\n    d\"\n", "a: # b\n", "--- {a: b}\n", "a: {<<: {b: c}}", "a:\r\n- b\r\n", "\ufeffa: {}", "a: >-2\n  b",
	} {
		f.Add(seed, "/a/b", "/a/b/0")
		f.Add(seed, "/a/-", "/a/0/k")
		f.Add(seed, "/a/0", "/x")
		f.Add(seed, "/x", "/a/x")
	}
	f.Fuzz(func(t *testing.T, document, first, second string) {
		value := []map[string]string{{"k": "on", "~": "a: b"}}
		ops := []jsonpatch.Operation{jsonpatch.NewOperation("add", first, value), jsonpatch.NewOperation("add", second, value)}
		if once, err := Apply([]byte(document), ops); err == nil && bytes.Equal(once, []byte(document)) {
			t.Errorf("nothing was added at %q and %q to %q", first, second, document)
		}
	})
}
