package contender

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Set is the contestants' executables.
type Set struct {
	// SidecarPath is our sidecar, ClientGoPath the elector of client-go.
	SidecarPath, ClientGoPath string
	// Elector2016Path is the elector of 2016, which BuildElector2016 builds.
	Elector2016Path string
}

const (
	module  = "github.com/leaseholder-dev/leaseholder"
	sidecar = "leaseholder-sidecar"
	elector = "elector"
	webhook = "leaseholder-webhook"
	idle    = "idlewebhook"
)

// Binaries builds the contestants into dir, both as the Makefile builds the
// commands: the sidecar in the root module, whose versions are those of a release.
// The working directory must be in the tests' module.
func Binaries(ctx context.Context, dir string) (Set, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Set{}, fmt.Errorf("build the contestants: %w", err)
	}
	root, err := Root(ctx)
	if err != nil {
		return Set{}, err
	}
	s := Set{SidecarPath: filepath.Join(dir, sidecar), ClientGoPath: filepath.Join(dir, elector)}
	if err := build(ctx, root, s.SidecarPath, module+"/cmd/"+sidecar); err != nil {
		return Set{}, err
	}
	return s, build(ctx, "", s.ClientGoPath, module+"/test/cmd/"+elector)
}

// Webhooks is the executables of two admission webhooks.
type Webhooks struct {
	// LeaseholderPath is our webhook, IdlePath one that does nothing.
	LeaseholderPath, IdlePath string
}

// WebhookBinaries is Binaries for the webhooks.
func WebhookBinaries(ctx context.Context, dir string) (Webhooks, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Webhooks{}, fmt.Errorf("build the webhooks: %w", err)
	}
	root, err := Root(ctx)
	if err != nil {
		return Webhooks{}, err
	}
	w := Webhooks{LeaseholderPath: filepath.Join(dir, webhook), IdlePath: filepath.Join(dir, idle)}
	if err := build(ctx, root, w.LeaseholderPath, module+"/cmd/"+webhook); err != nil {
		return Webhooks{}, err
	}
	return w, build(ctx, "", w.IdlePath, module+"/test/cmd/"+idle)
}

// Root is the folder of the root module.
func Root(ctx context.Context) (string, error) {
	return GoTool(ctx, "", "list", "-m", "-f", "{{.Dir}}", module)
}

func build(ctx context.Context, module, path, command string) error {
	_, err := GoTool(ctx, module, "build", "-ldflags", "-s -w -X main.version=test", "-o", path, command)
	return err
}

// GoTool gives what go prints in a folder, the working directory if that is empty.
func GoTool(ctx context.Context, dir string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath -buildvcs=false")
	var errors strings.Builder
	c.Stderr = &errors
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, errors.String())
	}
	return strings.TrimSpace(string(out)), nil
}
