package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ControlPlaneBinaries leaves kube-apiserver, etcd and kubectl in a directory,
// which then serves as KUBEBUILDER_ASSETS for an API server without nodes. It
// needs no root and compiles only what is not in the cache. What the directory
// held under these names is replaced.
func ControlPlaneBinaries(ctx context.Context, dir string, out io.Writer) error {
	if out == nil {
		out = io.Discard
	}
	source, err := recipes[0].build(ctx, out)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create a directory for the programs: %w", err)
	}
	for _, name := range []string{"kube-apiserver", "etcd", "kubectl"} {
		if err := place(filepath.Join(source, recipes[0].output), filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("place %q: %w", name, err)
		}
	}
	return nil
}

// place makes target the same file as source, or a copy where file systems
// differ. Not a symbolic link: the cache may be cleared.
func place(source, target string) error {
	next := target + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Link(source, next); err != nil {
		if err := copyFile(source, next); err != nil {
			return err
		}
	}
	// Renaming one name of a file to another of the same file does nothing.
	if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(next, target)
}

func copyFile(source, target string) (err error) {
	from, err := os.Open(source)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(target, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	_, err = io.Copy(to, from)
	return err
}
