package footprint

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
)

// Budget is how large the sidecar's program may be for any architecture, in
// bytes.
const Budget int64 = 12_000_000

// analysed is the architecture whose program is divided into parts.
const analysed = "amd64"

// Architectures are those that the sidecar is released for.
func Architectures() []string { return []string{analysed, "arm64"} }

// Report is what a measurement found.
type Report struct {
	// Go is the language version of the compiler, such as 1.26.
	Go string
	// Programs is the sidecar as released, by architecture.
	Programs []Part
	// Cloud is the size of the program for locks outside the cluster, for amd64. It has
	// no budget.
	Cloud int64
	// Parts is what the program for amd64 is made of. They add up to its size.
	Parts []Part
	// Steps are programs, each with the imports of the one before it and more; the
	// last is the sidecar.
	Steps []Part
	// Cuts are what the program shrinks by if one thing is left out.
	Cuts []Part
	// Modules are the paths of the modules that are linked in, in order.
	Modules []string
}

// steps are the programs on the way to the sidecar.
var steps = []Part{
	{Name: "an empty program: Go's runtime"},
	{Name: "+ flags, a JSON log, an HTTP server, an HTTPS client: the standard library"},
	{Name: "+ the lock: client-go's REST client with the Lease's type alone"},
}

// stepFolders are their sources, below test/footprint/steps.
var stepFolders = []string{"runtime", "standard", "client"}

// release is a Go version's first two numbers.
var release = regexp.MustCompile(`\d+\.\d+`)

// Measure builds the sidecar of the module in root, and what it is compared
// with, and measures all of it. It leaves nothing behind but the go command's
// cache. The error says what could not be built.
func Measure(ctx context.Context, root string) (*Report, error) {
	dir, err := os.MkdirTemp("", "footprint-")
	if err != nil {
		return nil, fmt.Errorf("make room for programs: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b, err := newBuilder(root, dir)
	if err != nil {
		return nil, err
	}
	r := &Report{Go: release.FindString(runtime.Version())}
	for _, arch := range Architectures() {
		size, err := b.size(ctx, arch, sidecar)
		if err != nil {
			return nil, err
		}
		r.Programs = append(r.Programs, Part{arch, size})
	}
	if r.Cloud, err = b.size(ctx, analysed, cloudSidecar); err != nil {
		return nil, err
	}
	whole := r.Programs[0].Size
	// The last -ldflags counts: these leave the symbols in.
	symbols, err := b.build(ctx, analysed, sidecar, "-ldflags=-X main.version=devel")
	if err != nil {
		return nil, err
	}
	if r.Parts, err = parts(symbols, whole); err != nil {
		return nil, err
	}
	if r.Modules, err = modules(symbols); err != nil {
		return nil, err
	}
	if r.Steps, err = b.steps(ctx, whole); err != nil {
		return nil, err
	}
	r.Cuts, err = b.cuts(ctx, whole)
	return r, err
}

func (b *builder) steps(ctx context.Context, whole int64) ([]Part, error) {
	all := slices.Clone(steps)
	for i, folder := range stepFolders {
		// Named as a file, it is built with the root module's dependencies.
		size, err := b.size(ctx, analysed, filepath.Join(b.root, "test", "footprint", "steps", folder, "main.go"))
		if err != nil {
			return nil, err
		}
		all[i].Size = size
	}
	return append(all, Part{"+ the election, the local API, metrics, reading a kubeconfig: the sidecar", whole}), nil
}

func (b *builder) cuts(ctx context.Context, whole int64) ([]Part, error) {
	var all []Part
	for _, c := range cuts {
		overlay, err := c.overlay(b.root, b.dir)
		if err != nil {
			return nil, err
		}
		size, err := b.size(ctx, analysed, sidecar, "-overlay="+overlay)
		if err != nil {
			return nil, err
		}
		all = append(all, Part{c.name, whole - size})
	}
	return all, nil
}

// modules are the modules that a program was linked from, its own left out.
func modules(program string) ([]string, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("read what the program was built from: %w", err)
	}
	var paths []string
	for _, m := range info.Deps {
		paths = append(paths, path.Clean(m.Path))
	}
	slices.Sort(paths)
	return paths, nil
}
