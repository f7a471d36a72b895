package docs

import (
	"path/filepath"
	"strings"
	"testing"
)

const readme = "README.md"

func TestTheReadmeLinksEveryPage(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("there are %d pages: %v", len(pages), err)
	}
	text := read(t, readme)
	for _, page := range pages {
		if name := filepath.Base(page); !strings.Contains(text, "](docs/"+name) {
			t.Errorf("it does not link docs/%s", name)
		}
	}
}

// TestTheReadmeSaysHowLargeTheSidecarIs holds it to what is measured, which another test
// holds docs/footprint.md to.
func TestTheReadmeSaysHowLargeTheSidecarIs(t *testing.T) {
	_, row, _ := strings.Cut(read(t, "docs/footprint.md"), "\n| amd64 | ")
	size, _, found := strings.Cut(row, " |")
	if !found || !strings.Contains(read(t, readme), "\n| executable | "+size+" |") {
		t.Errorf("it does not say that the executable is %q", size)
	}
}
