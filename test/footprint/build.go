package footprint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/leaseholder-dev/leaseholder/test/images"
)

// The packages of the programs that are measured.
const (
	// sidecar is the one that runs in most pods.
	sidecar = "./cmd/leaseholder-sidecar"
	// cloudSidecar is the one for locks outside the cluster.
	cloudSidecar = "./cmd/leaseholder-sidecar-cloud"
)

// builder builds programs of the root module as they are released.
type builder struct {
	// root is the root module's folder, and dir one for what is built.
	root, dir string
	// flags are those of a release, see package images.
	flags []string
}

func newBuilder(root, dir string) (*builder, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("find the root module: %w", err)
	}
	return &builder{root: root, dir: dir, flags: images.Flags("devel")}, nil
}

// build builds a package or file of the root module for an architecture, and
// gives the program's path. More flags override those of a release.
func (b *builder) build(ctx context.Context, arch, what string, more ...string) (string, error) {
	file, err := os.CreateTemp(b.dir, "program-")
	if err != nil {
		return "", fmt.Errorf("make room for a program: %w", err)
	}
	if err := file.Close(); err != nil {
		return "", fmt.Errorf("make room for a program: %w", err)
	}
	args := append([]string{"build"}, b.flags...)
	args = append(args, more...)
	args = append(args, "-o", file.Name(), what)
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir = b.root
	c.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "GOAMD64=v1", "GOARM64=v8.0", "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOWORK=off")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("build %s for %s: %w", what, arch, errors.Join(err, errors.New(strings.TrimSpace(stderr.String()))))
	}
	return file.Name(), nil
}

// size builds like build and gives the program's size in bytes.
func (b *builder) size(ctx context.Context, arch, what string, more ...string) (int64, error) {
	program, err := b.build(ctx, arch, what, more...)
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(program)
	if err != nil {
		return 0, fmt.Errorf("measure %s: %w", what, err)
	}
	return info.Size(), nil
}
