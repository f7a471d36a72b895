package footprint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// cut is one function of the sidecar without which an import falls away.
type cut struct {
	// name says what is left out.
	name string
	// file is where the function is, from the root module's folder.
	file, function string
}

// cuts are what the sidecar could do without, or do by itself.
var cuts = []cut{
	{"reading a kubeconfig (`k8s.io/client-go/tools/clientcmd`)", "cmd/internal/sidecar/client.go", "clientConfig"},
	{"metrics (`github.com/VictoriaMetrics/metrics`)", "sidecar/api/metrics.go", "metrics"},
}

// emptied is a Go file's source in which a function gives zero values, and the
// imports that only this function used are gone.
func emptied(source []byte, function string) ([]byte, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", source, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parse it: %w", err)
	}
	at := slices.IndexFunc(file.Decls, func(d ast.Decl) bool {
		f, ok := d.(*ast.FuncDecl)
		return ok && f.Recv == nil && f.Name.Name == function
	})
	if at < 0 {
		return nil, fmt.Errorf("there is no function %q", function)
	}
	if f, ok := file.Decls[at].(*ast.FuncDecl); ok {
		f.Body = &ast.BlockStmt{List: []ast.Stmt{&ast.ReturnStmt{Results: zeros(f.Type.Results)}}}
	}
	file.Comments = nil // they would be printed where the body was
	dropUnused(file)
	var out bytes.Buffer
	if err := format.Node(&out, files, file); err != nil {
		return nil, fmt.Errorf("print it: %w", err)
	}
	return out.Bytes(), nil
}

// zeros are the zero values of a function's results.
func zeros(results *ast.FieldList) []ast.Expr {
	var values []ast.Expr
	if results == nil {
		return nil
	}
	for _, r := range results.List {
		zero := &ast.StarExpr{X: &ast.CallExpr{Fun: ast.NewIdent("new"), Args: []ast.Expr{r.Type}}}
		for range max(1, len(r.Names)) {
			values = append(values, zero)
		}
	}
	return values
}

// dropUnused removes the imports that a file does not use.
func dropUnused(file *ast.File) {
	used := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				used[x.Name] = true
			}
		}
		return true
	})
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			g.Specs = slices.DeleteFunc(g.Specs, func(s ast.Spec) bool {
				i, ok := s.(*ast.ImportSpec)
				return ok && !used[importName(i)]
			})
		}
	}
	file.Decls = slices.DeleteFunc(file.Decls, func(d ast.Decl) bool {
		g, ok := d.(*ast.GenDecl)
		return ok && g.Tok == token.IMPORT && len(g.Specs) == 0
	})
}

// majorVersion is the last part of a path that is no name.
var majorVersion = regexp.MustCompile(`^v\d+$`)

// importName is what a file calls an import.
func importName(i *ast.ImportSpec) string {
	if i.Name != nil {
		return i.Name.Name
	}
	p, err := strconv.Unquote(i.Path.Value)
	if err != nil {
		return ""
	}
	if majorVersion.MatchString(path.Base(p)) {
		p = path.Dir(p)
	}
	return path.Base(p)
}

// overlay leaves an overlay for the go command in dir with which the root module
// is built without the cut's function, and gives its path.
func (c cut) overlay(root, dir string) (string, error) {
	file := filepath.Join(root, filepath.FromSlash(c.file))
	source, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("leave out %s: %w", c.name, err)
	}
	without, err := emptied(source, c.function)
	if err != nil {
		return "", fmt.Errorf("leave out %s: %s: %w", c.name, c.file, err)
	}
	const mode = 0o600
	stub := filepath.Join(dir, c.function+".go")
	if err := os.WriteFile(stub, without, mode); err != nil {
		return "", fmt.Errorf("leave out %s: %w", c.name, err)
	}
	index, err := json.Marshal(map[string]map[string]string{"Replace": {file: stub}})
	if err != nil {
		return "", fmt.Errorf("leave out %s: %w", c.name, err)
	}
	name := filepath.Join(dir, c.function+".json")
	if err := os.WriteFile(name, index, mode); err != nil {
		return "", fmt.Errorf("leave out %s: %w", c.name, err)
	}
	return name, nil
}
