package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
)

// Names are the images: each is a target of the Dockerfile, and holds the program
// leaseholder-NAME.
func Names() []string { return []string{"webhook", "sidecar", "sidecar-cloud"} }

// Architectures are those that images can be made for, as Go calls them.
func Architectures() []string { return []string{"amd64", "arm64"} }

// Bill is what the bill of materials is called, beside the program and in the image.
const Bill = "sbom.cdx.json"

// Program is what an image's program is called.
func Program(image string) string { return "leaseholder-" + image }

// Options say what is made, and of what.
type Options struct {
	// Root is the checkout. The files go to bin/images/linux-ARCHITECTURE/IMAGE/
	// in it. All of bin/images/ is emptied first: nothing of an earlier version is
	// left for an image of an architecture that is not made.
	Root string
	// Version is what the programs say that they are.
	Version string
	// Time is when the files say that they were changed: that of the commit.
	Time time.Time
	// Architectures are some of Architectures.
	Architectures []string
	// Generator is the executable of cyclonedx-gomod.
	Generator string
	// Out gets a line for each program.
	Out io.Writer
}

// Make makes the files of all images.
func Make(ctx context.Context, o Options) error {
	toolchain, err := Toolchain(o.Root)
	if err != nil {
		return err
	}
	for _, architecture := range o.Architectures {
		if !slices.Contains(Architectures(), architecture) {
			return fmt.Errorf("make the images' files: architecture %q is refused, allowed: %s",
				architecture, strings.Join(Architectures(), ", "))
		}
	}
	if err := os.RemoveAll(filepath.Join(o.Root, folder)); err != nil {
		return fmt.Errorf("clear the images' files: %w", err)
	}
	for _, architecture := range o.Architectures {
		for _, image := range Names() {
			dir := Dir(o.Root, architecture, image)
			if err := o.make(ctx, toolchain, architecture, image, dir); err != nil {
				return fmt.Errorf("make the files of the image %q for %q: %w", image, architecture, err)
			}
			info, err := os.Stat(filepath.Join(dir, Program(image)))
			if err != nil {
				return fmt.Errorf("measure the image %q for %q: %w", image, architecture, err)
			}
			fmt.Fprintf(o.Out, "%s with %s, %.1f MB: %s\n", Program(image), toolchain, float64(info.Size())/1e6, dir)
		}
	}
	return nil
}

// folder is where the files of all images are, in the checkout.
const folder = "bin/images"

// Dir is where an image's files are.
func Dir(root, architecture, image string) string {
	return filepath.Join(root, folder, "linux-"+architecture, image)
}

// Toolchain is the Go release that go.mod names for the programs.
func Toolchain(root string) (string, error) {
	path := filepath.Join(root, "go.mod")
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the toolchain's version: %w", err)
	}
	parsed, err := modfile.Parse(path, content, nil)
	if err != nil {
		return "", fmt.Errorf("read the toolchain's version: %w", err)
	}
	if parsed.Toolchain == nil {
		return "", fmt.Errorf("read the toolchain's version: %q has no toolchain line", path)
	}
	return parsed.Toolchain.Name, nil
}

func (o Options) make(ctx context.Context, toolchain, architecture, image, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	program, bill := filepath.Join(dir, Program(image)), filepath.Join(dir, Bill)
	if err := o.compile(ctx, toolchain, architecture, program); err != nil {
		return err
	}
	if err := o.list(ctx, program, bill); err != nil {
		return err
	}
	// Said outright, because the umask and the clock are this machine's. The folder
	// comes last: writing files in it changes its time.
	return errors.Join(o.settle(program, 0o755), o.settle(bill, 0o644), o.settle(dir, 0o755))
}

// Flags are those of `go build` with which a program is released.
func Flags(version string) []string {
	return []string{"-trimpath", "-ldflags=-s -w -X main.version=" + version}
}

// compile links one program.
func (o Options) compile(ctx context.Context, toolchain, architecture, program string) error {
	args := slices.Concat([]string{"build"}, Flags(o.Version), []string{"-o", program, "./cmd/" + filepath.Base(program)})
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir = o.Root
	// Everything that changes what the compiler makes of the same sources (go help
	// environment).
	c.Env = append(os.Environ(), "GOTOOLCHAIN="+toolchain, "GOFLAGS=-buildvcs=false", "GOWORK=off",
		"CGO_ENABLED=0", "GOOS=linux", "GOARCH="+architecture, "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOFIPS140=off")
	if said, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("run %q: %w\n%s", c.String(), err, said)
	}
	return nil
}

// settle makes a file's permissions and time the same everywhere.
func (o Options) settle(path string, mode fs.FileMode) error {
	if err := os.Chmod(path, mode); err != nil {
		return fmt.Errorf("set the permissions: %w", err)
	}
	if err := os.Chtimes(path, o.Time, o.Time); err != nil {
		return fmt.Errorf("set the time: %w", err)
	}
	return nil
}
