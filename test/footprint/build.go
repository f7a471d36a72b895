package footprint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// sidecar is the package of the program that is measured.
const sidecar = "./cmd/leaseholder-sidecar"

// builder builds programs of the root module as they are released.
type builder struct {
	// root is the root module's folder, and dir one for what is built.
	root, dir string
	// flags are those of a release.
	flags []string
}

// releaseBuild finds the build of the sidecar in the Dockerfile, which is how it
// is released.
var releaseBuild = regexp.MustCompile(`(?m)^\s*go build (.*) -o \S+ ` + regexp.QuoteMeta(sidecar) + `$`)

// word is one of a command: bare, or with a part in double quotes.
var word = regexp.MustCompile(`(?:[^\s"]|"[^"]*")+`)

// releaseFlags are the flags that the Dockerfile builds the sidecar with.
func releaseFlags(dockerfile string) ([]string, error) {
	found := releaseBuild.FindStringSubmatch(dockerfile)
	if found == nil {
		return nil, fmt.Errorf("find the build of %s in the Dockerfile: no line matches %q", sidecar, releaseBuild)
	}
	flags := word.FindAllString(strings.ReplaceAll(found[1], "$VERSION", "devel"), -1)
	for i, flag := range flags {
		flags[i] = strings.ReplaceAll(flag, `"`, "")
	}
	return flags, nil
}

func newBuilder(root, dir string) (*builder, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("find the root module: %w", err)
	}
	dockerfile, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		return nil, fmt.Errorf("read how the sidecar is released: %w", err)
	}
	flags, err := releaseFlags(string(dockerfile))
	if err != nil {
		return nil, err
	}
	return &builder{root: root, dir: dir, flags: flags}, nil
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
