// Package product puts what the repository builds onto a cluster: the images,
// and the chart, installed by the command that the README tells.
package product

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/leaseholder-dev/leaseholder/test/cluster"
)

// Where and as what the chart is installed.
const (
	Namespace = "leaseholder-system"
	Release   = "leaseholder"
)

// nonRoot is the user that the images run as, as in the Dockerfile.
const nonRoot = "65532:65532"

// Product is the repository's checkout with a cluster to put it on.
type Product struct {
	// Root is the checkout, with its commands in bin/ and helm in bin/tools/.
	Root string
	// Cluster is where it goes.
	Cluster *cluster.Cluster
}

// LoadImages brings the product's images to every node, under the names that
// the chart has by default, and the stand-in for the examples' image.
func (p Product) LoadImages(ctx context.Context) error {
	version, err := p.version()
	if err != nil {
		return err
	}
	standin := filepath.Join(p.Root, "bin", "standin")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", standin, "./standin")
	build.Dir = filepath.Join(p.Root, "test")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the stand-in: %w\n%s", err, out)
	}
	for name, program := range map[string]string{
		"ghcr.io/leaseholder-dev/leaseholder-webhook:" + version:       "leaseholder-webhook",
		"ghcr.io/leaseholder-dev/leaseholder-sidecar:" + version:       "leaseholder-sidecar",
		"ghcr.io/leaseholder-dev/leaseholder-sidecar-cloud:" + version: "leaseholder-sidecar-cloud",
		"docker.io/hashicorp/http-echo:1.0":                            "standin",
	} {
		inside := "/" + program
		err := p.Cluster.LoadImage(ctx, cluster.Image{
			Name:       name,
			Files:      []cluster.File{{Path: inside, Source: filepath.Join(p.Root, "bin", program), Mode: 0o755}},
			Entrypoint: []string{inside},
			User:       nonRoot,
		})
		if err != nil {
			return fmt.Errorf("load the image %q: %w", name, err)
		}
	}
	return nil
}

// version is the chart's appVersion, and so the tag of its images.
func (p Product) version() (string, error) {
	path := filepath.Join(p.Root, "charts", "leaseholder", "Chart.yaml")
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the chart's version: %w", err)
	}
	var chart struct {
		AppVersion string `json:"appVersion"`
	}
	if err := yaml.Unmarshal(content, &chart); err != nil {
		return "", fmt.Errorf("read the chart's version from %q: %w", path, err)
	}
	return chart.AppVersion, nil
}

// InstallCommand is what the README tells to type.
func InstallCommand() []string {
	return []string{"install", Release, "charts/leaseholder", "--namespace", Namespace, "--create-namespace"}
}

// Helm runs helm in the checkout, against the cluster, and gives what it says.
func (p Product) Helm(ctx context.Context, args ...string) (string, error) {
	return p.command(ctx, filepath.Join(p.Root, "bin", "tools", "helm"), args)
}

// Kubectl runs kubectl in the checkout, against the cluster.
func (p Product) Kubectl(ctx context.Context, args ...string) (string, error) {
	return p.command(ctx, p.Cluster.Kubectl(), args)
}

// Plugin runs the kubectl plugin against the cluster.
func (p Product) Plugin(ctx context.Context, args ...string) (string, error) {
	return p.command(ctx, filepath.Join(p.Root, "bin", "kubectl-leaseholder"), args)
}

func (p Product) command(ctx context.Context, program string, args []string) (string, error) {
	c := exec.CommandContext(ctx, program, args...)
	c.Dir = p.Root
	c.Env = append(os.Environ(), "KUBECONFIG="+p.Cluster.Kubeconfig())
	out, err := c.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args, " "), err, out)
	}
	return string(out), nil
}
