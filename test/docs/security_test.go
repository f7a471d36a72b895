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

// named is a package's folder as docs/security.md writes it before its tests, and mention
// the name of a test.
var (
	named   = regexp.MustCompile("`([\\w./-]+)` (Test\\w+(?:(?:,| and|, and) Test\\w+)*)")
	mention = regexp.MustCompile(`\bTest\w+`)
)

// TestEveryTestThatTheSecurityPageNamesIsThere holds the page to the code, in tables and
// in prose: what it says is shown by the tests that it names.
func TestEveryTestThatTheSecurityPageNamesIsThere(t *testing.T) {
	page := strings.Join(strings.Fields(read(t, "docs/security.md")), " ") // a line may end anywhere
	tests := map[string]map[string]bool{}
	found := 0
	for _, f := range named.FindAllStringSubmatch(page, -1) {
		folder := f[1]
		if tests[folder] == nil {
			tests[folder] = testsIn(t, folder)
		}
		for _, name := range mention.FindAllString(f[2], -1) {
			found++
			if !tests[folder][name] {
				t.Errorf("there is no %s in %s", name, folder)
			}
		}
	}
	if all := len(mention.FindAllString(page, -1)); found != all || all == 0 {
		t.Errorf("of %d tests that it names, %d come after their package's folder", all, found)
	}
}

// TestEveryAttackOfTheSecurityPageIsATest wants a test in each row.
func TestEveryAttackOfTheSecurityPageIsATest(t *testing.T) {
	rows := attempts(read(t, "docs/security.md"))
	if len(rows) == 0 {
		t.Error("there is no row")
	}
	for _, row := range rows {
		cells := strings.Split(strings.Trim(row, "| "), " | ")
		if len(cells) != strings.Count(attemptsHead, "|")-1 || !named.MatchString(cells[len(cells)-1]) {
			t.Errorf("a row names no test as the others do: %s", row)
		}
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
