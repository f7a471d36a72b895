package inject

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
)

func TestALinkToAFolderIsReadAsTheFolder(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "a.yaml"), []byte("a: b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(folder, link); err != nil {
		t.Fatal(err)
	}
	if out, told, code := call(t, "", "-f", link); out != "a: b\n" || code != 0 {
		t.Errorf("exit code %d: %s%s", code, out, told)
	}
}

// closed is a folder in which one other can't be read.
type closed struct{ fstest.MapFS }

func (f closed) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == "b" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return f.MapFS.ReadDir(name)
}

func TestAFolderThatCanNotBeReadHidesNoOther(t *testing.T) {
	folder := closed{fstest.MapFS{"a.yaml": {}, "b/b.yaml": {}, "c/c.yaml": {}, "c/c.txt": {}}}
	files, faults := filesIn(folder, "in", true)
	if want := []string{"in/a.yaml", "in/c/c.yaml"}; !slices.Equal(files, want) {
		t.Errorf("it reads %q instead of %q", files, want)
	}
	if len(faults) != 1 || faults[0].Error() != "read in/b: permission denied" {
		t.Errorf("it says: %v", faults)
	}
}
