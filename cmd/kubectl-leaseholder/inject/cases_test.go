package inject

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	k8syaml "sigs.k8s.io/yaml"

	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/exit"
	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
)

// TestTheInjectorsOwnCases comes to the same pods and messages as the injector.
func TestTheInjectorsOwnCases(t *testing.T) {
	cases, err := injectortest.Cases("../../../injector/testdata")
	if err != nil {
		t.Fatal(err)
	}
	found, all := 0, 0
	for _, c := range cases {
		t.Run(c.String(), func(t *testing.T) {
			in := manifest(t, c)
			comments, want, err := c.Expected()
			if err != nil {
				t.Fatal(err)
			}
			out, told, code := call(t, in, "-v", "-n", injectortest.Namespace, "-f", "-")
			for i, line := range strings.Split(strings.TrimSuffix(comments, "\n"), "\n") {
				said := c.Group == injectortest.Refuse || c.Group == injectortest.Skip || i > 1
				if line = strings.TrimPrefix(line, "# "); i > 0 && said && !strings.Contains(told, line) {
					t.Errorf("it does not say %q:\n%s", line, told)
				}
			}
			if c.Group == injectortest.Refuse {
				if code != exit.Wrong || out != "" {
					t.Errorf("exit code %d, and it writes:\n%s", code, out)
				}
				return
			}
			if code != 0 {
				t.Fatalf("exit code %d: %s", code, told)
			}
			documents := split(source{text: []byte(out)})
			got := documents[len(documents)-1].text
			if !reflect.DeepEqual(decode(t, got), asManifest(t, want)) {
				t.Errorf("the pod is:\n%s", got)
			}
			checkKept(t, in, out)
			some, lines := losses(in, out)
			found, all = found+some, all+lines
			checkAgain(t, out, c.Group != injectortest.Skip)
		})
	}
	// What is added can read as what was there, but hardly ever does.
	if found*100 < all*99 {
		t.Errorf("of %d lines, %d could go without being missed", all, all-found)
	}
}

// manifest is a case's input, with the kind that people have to write.
func manifest(t *testing.T, c injectortest.Case) string {
	t.Helper()
	raw, err := os.ReadFile(strings.TrimSuffix(c.Out, ".out.yaml") + ".in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var pod struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(c.Pod, &pod); err != nil {
		t.Fatal(err)
	}
	if pod.Kind != "" {
		return string(raw)
	}
	before, last, ok := strings.Cut(string(raw), "---\n")
	if !ok || strings.Contains(last, "---\n") {
		t.Fatal("a pod without a kind stands behind one other object")
	}
	return before + "---\napiVersion: v1\nkind: Pod\n" + last
}

// asManifest is a pod with the kind that its manifest has.
func asManifest(t *testing.T, pod []byte) any {
	t.Helper()
	said, ok := decode(t, pod).(map[string]any)
	if !ok {
		t.Fatal("the pod is no object")
	}
	said["apiVersion"], said["kind"] = "v1", "Pod"
	return said
}

func decode(t *testing.T, text []byte) any {
	t.Helper()
	raw, err := k8syaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var said any
	if err := decoder.Decode(&said); err != nil {
		t.Fatal(err)
	}
	return said
}

// checkAgain checks that what came out comes out again as it is.
func checkAgain(t *testing.T, out string, injected bool) {
	t.Helper()
	again, told, code := call(t, out, "-n", injectortest.Namespace, "-f", "-")
	if code != 0 || again != out {
		t.Errorf("the second time, exit code %d: %s\n%s", code, told, again)
	}
	if injected && !strings.HasPrefix(told, "0 injected, 1 injected before") {
		t.Errorf("the second time, it says: %s", told)
	}
}
