package images_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leaseholder-dev/leaseholder/test/images"
)

func TestNothingIsLeftOfFilesFromBefore(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	stale := filepath.Join(images.Dir(root, "arm64", "webhook"), images.Program("webhook"))
	write(t, filepath.Join(root, "go.mod"), "module example.com/m\n\ngo 1.26.0\n\ntoolchain go1.26.1\n")
	write(t, stale, "stale")

	o := images.Options{Root: root, Architectures: []string{"sparc"}, Out: io.Discard}
	if err := images.Make(t.Context(), o); err == nil || !strings.Contains(err.Error(), `"sparc" is refused, allowed: amd64, arm64`) {
		t.Errorf("an unknown architecture gets %v", err)
	}
	if _, err := os.Stat(stale); err != nil {
		t.Errorf("a refusal has removed files: %v", err)
	}
	o.Architectures = nil
	if err := images.Make(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); !os.IsNotExist(err) {
		t.Errorf("a file from before is there: %v", err)
	}
}

// TestSourcesAreCopiedWithoutWhatGitIgnores copies a checkout in which somebody works.
func TestSourcesAreCopiedWithoutWhatGitIgnores(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if _, err := run(t.Context(), root, nil, "git", "init", "-q"); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, ".gitignore"), "/bin/\n")
	write(t, filepath.Join(root, "known"), "")
	write(t, filepath.Join(root, "removed"), "")
	if _, err := run(t.Context(), root, nil, "git", "add", "."); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(root, "removed")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "folder", "new"), "")
	elsewhere := t.TempDir()
	write(t, filepath.Join(elsewhere, "built"), "")
	// A link is no folder, and so is not ignored.
	if err := os.Symlink(elsewhere, filepath.Join(root, "bin")); err != nil {
		t.Fatal(err)
	}

	p := place{dir: filepath.Join(t.TempDir(), "copy")}
	if err := p.copySources(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{".gitignore": true, "known": true, "folder/new": true, "removed": false, "bin": false} {
		if _, err := os.Lstat(filepath.Join(p.dir, name)); (err == nil) != want {
			t.Errorf("%s: copied is %t, want %t (%v)", name, err == nil, want, err)
		}
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
