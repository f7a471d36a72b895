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
			files, err := filesOf(name, recursive)
			if err != nil {
				faults = append(faults, err)
			}
			for _, file := range files {
				add(file, func() ([]byte, error) { return os.ReadFile(file) }) //nolint:gosec // the user names the files
			}
		}
	}
	return sources, faults
}

// filesOf is a file itself, or the files of a folder that count, sorted.
func filesOf(name string, recursive bool) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, errors.Unwrap(err))
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	var files []string
	err = filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != name && !recursive:
			return filepath.SkipDir
		case !entry.IsDir() && slices.Contains(extensions, filepath.Ext(path)):
			files = append(files, path)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	case len(files) == 0:
		return nil, fmt.Errorf("read %s: there is no file that ends with %s", name, strings.Join(extensions, ", "))
	}
	return files, nil
}
