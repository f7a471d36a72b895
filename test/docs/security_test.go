package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// attemptsHead begins the tables of docs/security.md whose rows are tests.
const attemptsHead = "| attempt | by whom | what they get | test |"

// named is a test as docs/security.md writes it: the package's folder, then the function.
var named = regexp.MustCompile("`([\\w./-]+)` (Test\\w+)")

// TestEveryAttackOfTheSecurityPageIsATest holds the tables to the code: what a row says
// is shown by the test that it names.
func TestEveryAttackOfTheSecurityPageIsATest(t *testing.T) {
	tests := map[string]map[string]bool{}
	rows := 0
	for _, row := range attempts(read(t, "docs/security.md")) {
		cells := strings.Split(strings.Trim(row, "| "), " | ")
		found := named.FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(cells) != strings.Count(attemptsHead, "|")-1 || len(found) == 0 {
			t.Errorf("a row names no test as the others do: %s", row)
		}
		for _, f := range found {
			folder, name := f[1], f[2]
			if tests[folder] == nil {
				tests[folder] = testsIn(t, folder)
			}
			if !tests[folder][name] {
				t.Errorf("there is no %s in %s: %s", name, folder, row)
			}
			rows++
		}
	}
	if rows == 0 {
		t.Error("there is no row")
	}
}

// attempts are the rows of the tables with that head.
func attempts(document string) []string {
	var rows []string
	within := false
	for line := range strings.SplitSeq(document, "\n") {
		switch {
		case line == attemptsHead:
			within = true
		case !strings.HasPrefix(line, "|"):
			within = false
		case within && !strings.HasPrefix(line, "| ---"):
			rows = append(rows, line)
		}
	}
	return rows
}

// testsIn are the tests of one package.
func testsIn(t *testing.T, folder string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(folder), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range parsed.Decls {
			if f, ok := declared.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				tests[f.Name.Name] = true
			}
		}
	}
	return tests
}
