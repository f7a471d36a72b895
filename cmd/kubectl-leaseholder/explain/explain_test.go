package explain

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

func TestWhatIsSaid(t *testing.T) {
	known := map[string]bool{}
	for name, s := range cases() {
		file := filepath.Join("testdata", name+".txt")
		known[file] = true
		t.Run(name, func(t *testing.T) {
			got := tell(s, now)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("it says:\n%s", got)
			}
		})
	}
	files, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !known[file] {
			t.Errorf("%s belongs to no case", file)
		}
	}
}

func TestTheExampleInTheDocumentationIsReal(t *testing.T) {
	page, err := os.ReadFile("../../../docs/injection.md")
	if err != nil {
		t.Fatal(err)
	}
	if example := tell(cases()["a-sidecar-that-restarts"], now); !strings.Contains(string(page), "```\n"+example+"```\n") {
		t.Errorf("docs/injection.md does not have:\n%s", example)
	}
}

func TestOnlyPodsAreExplained(t *testing.T) {
	for arg, want := range map[string]string{"a": "a", "pod/a": "a", "po/a": "a", "Pods/a": "a", "deployment/a": "", "pod/": "", "pod/a/b": "", "pod a": "a", "deployment a": "", "pod/a b": "", "a b": ""} {
		got, err := podName(strings.Fields(arg)...)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%s: %q, %v", arg, got, err)
		}
		if err != nil && !strings.Contains(err.Error(), arg) {
			t.Errorf("the error does not say what was written: %v", err)
		}
	}
}
