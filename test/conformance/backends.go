package conformance

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// test is the name of the test of a backend that runs the suite.
const test = "TestConformance"

// roots are where backends are tested, with the module that each is in.
func roots() []root {
	return []root{{module: ".", folder: "sidecar/lock"}, {module: "test", folder: "clouds"}}
}

type root struct{ module, folder string }

// Backend is a package that runs the suite.
type Backend struct {
	// Name is the scheme of the lock's address, or of a lock that has none the
	// package's.
	Name string
	// Module is the module's folder below the repository's, Package the package's below
	// the module's.
	Module, Package string
}

// schemes are the names of packages that are called otherwise than their lock's scheme,
// and order what users can choose from; the others follow.
var (
	schemes = map[string]string{"gcs": "gs"}
	order   = []string{"lease", "endpoints", "gs", "azblob", "s3"}
)

// Backends finds all backends in the repository.
func Backends(repository string) ([]Backend, error) {
	var backends []Backend
	for _, r := range roots() {
		base := filepath.Join(repository, r.module)
		err := filepath.WalkDir(filepath.Join(base, r.folder), func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(file, "_test.go") {
				return err
			}
			text, err := os.ReadFile(file) //nolint:gosec // a source of this repository
			if err != nil || !bytes.Contains(text, []byte("func "+test+"(")) {
				return err //nolint:wrapcheck // it names the file
			}
			folder, err := filepath.Rel(base, filepath.Dir(file))
			if err != nil {
				return err //nolint:wrapcheck // it names the file
			}
			backends = append(backends, Backend{Name: name(folder), Module: r.module, Package: "./" + filepath.ToSlash(folder)})
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("look for backends: %w", err)
		}
	}
	slices.SortFunc(backends, func(a, b Backend) int {
		return cmp.Or(cmp.Compare(rank(a.Name), rank(b.Name)), strings.Compare(a.Name, b.Name))
	})
	return backends, nil
}

func name(folder string) string {
	base := path.Base(filepath.ToSlash(folder))
	return cmp.Or(schemes[base], base)
}

func rank(name string) int {
	if at := slices.Index(order, name); at >= 0 {
		return at
	}
	return len(order)
}
