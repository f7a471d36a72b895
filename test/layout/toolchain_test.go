package layout

import (
	"path/filepath"
	"testing"

	"github.com/leaseholder-dev/leaseholder/test/images"
)

// TestBothModulesNameOneToolchain holds the tests to the Go release of the product:
// with two, neither would use what the other has compiled.
func TestBothModulesNameOneToolchain(t *testing.T) {
	root := filepath.Join("..", "..")
	product, err := images.Toolchain(root)
	if err != nil {
		t.Fatal(err)
	}
	tests, err := images.Toolchain(filepath.Join(root, "test"))
	if err != nil {
		t.Fatal(err)
	}
	if product != tests {
		t.Errorf("go.mod names the toolchain %s, test/go.mod %s", product, tests)
	}
}
