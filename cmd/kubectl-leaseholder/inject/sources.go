package inject

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// stdin is how standard input is named in -f, and stdinName in messages.
const (
	stdin     = "-"
	stdinName = "stdin"
)

// extensions are those of the files that count in a folder, as kubectl has them.
var extensions = []string{".json", ".yaml", ".yml"}

// source is one file as it was read.
type source struct {
	name string
	text []byte
}

// readAll reads files, folders and standard input, in the order in which they are
// named. Every one that can't be read has its error.
func readAll(names []string, recursive bool, in io.Reader) ([]source, []error) {
	var (
		sources []source
		faults  []error
	)
	add := func(name string, read func() ([]byte, error)) {
		text, err := read()
		if err != nil {
			faults = append(faults, fmt.Errorf("read %s: %w", name, err))
			return
		}
		sources = append(sources, source{name: name, text: text})
	}
	seen := false
	for _, name := range names {
		switch {
		case name == stdin && seen:
			faults = append(faults, errors.New("-f - can be given once"))
		case name == stdin:
			seen = true
			add(stdinName, func() ([]byte, error) { return io.ReadAll(in) })
		case strings.Contains(name, "://"):
			faults = append(faults, fmt.Errorf("read %s: only files, folders and - are read; fetch it first, and give it to -f -", name))
		default:
			files, unread := filesOf(name, recursive)
			faults = append(faults, unread...)
			for _, file := range files {
				add(file, func() ([]byte, error) { return os.ReadFile(file) }) //nolint:gosec // the user names the files
			}
		}
	}
	return sources, faults
}

// filesOf is a file itself, or the files of a folder that count, sorted. What can't
// be read of a folder has its error, and the rest counts.
func filesOf(name string, recursive bool) (files []string, faults []error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, []error{fmt.Errorf("read %s: %w", name, errors.Unwrap(err))}
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	// The name itself may be a link to a folder.
	if files, faults = filesIn(os.DirFS(name), name, recursive); len(files)+len(faults) == 0 {
		return nil, []error{fmt.Errorf("read %s: there is no file that ends with %s", name, strings.Join(extensions, ", "))}
	}
	return files, faults
}

func filesIn(folder fs.FS, name string, recursive bool) (files []string, faults []error) {
	_ = fs.WalkDir(folder, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("read %s: %w", filepath.Join(name, path), errors.Unwrap(err)))
		case entry.IsDir() && path != "." && !recursive:
			return fs.SkipDir
		case !entry.IsDir() && slices.Contains(extensions, filepath.Ext(path)):
			files = append(files, filepath.Join(name, path))
		}
		return nil
	})
	return files, faults
}
