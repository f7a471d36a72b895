package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// codeIn are the words of a document that are set as code.
var codeIn = regexp.MustCompile("`([^`\n]+)`")

// packages are the folders of the packages whose names docs/adding-a-lock.md uses.
var packages = map[string]string{
	"config":     "sidecar/config",
	"election":   "sidecar/election",
	"faults":     "test/clouds/faults",
	"lock":       "sidecar/lock",
	"locktest":   "sidecar/lock/locktest",
	"object":     "sidecar/lock/object",
	"objecttest": "sidecar/lock/object/objecttest",
	"s3":         "sidecar/lock/s3",
	"sidecar":    "cmd/internal/sidecar",
}

// TestWhatTheGuideNamesIsThere holds docs/adding-a-lock.md to the code: every file,
// folder, function and target that it names.
func TestWhatTheGuideNamesIsThere(t *testing.T) {
	identifier := regexp.MustCompile(`^(\w+)\.([A-Z]\w*)$`)
	target := regexp.MustCompile(`^make ([a-z-]+)`)
	makefile := read(t, "Makefile")
	files, names, targets := 0, 0, 0
	for _, found := range codeIn.FindAllStringSubmatch(read(t, "docs/adding-a-lock.md"), -1) {
		word := found[1]
		switch name, made := identifier.FindStringSubmatch(word), target.FindStringSubmatch(word); {
		case name != nil:
			names++
			if folder, ok := packages[name[1]]; !ok || !slices.Contains(declared(t, folder), name[2]) {
				t.Errorf("there is no %s", word)
			}
		case made != nil:
			targets++
			if !strings.Contains(makefile, "\n"+made[1]+":") {
				t.Errorf("there is no target for %q", word)
			}
		case strings.Contains(word, "/"):
			files++
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(word))); err != nil {
				t.Errorf("there is no %s", word)
			}
		}
	}
	if files == 0 || names == 0 || targets == 0 {
		t.Errorf("it names %d files, %d identifiers and %d targets", files, names, targets)
	}
}

// declared are a package's functions, types, constants and variables.
func declared(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(folder), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				names = append(names, d.Name.Name)
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						names = append(names, spec.Name.Name)
					case *ast.ValueSpec:
						for _, n := range spec.Names {
							names = append(names, n.Name)
						}
					}
				}
			}
		}
	}
	return names
}
