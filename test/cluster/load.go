package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// LoadImage builds an image and imports it on every node, in place of one with
// the same name. All nodes have to be running; a node that is killed later
// keeps its images.
func (c *Cluster) LoadImage(ctx context.Context, image Image) error {
	dir := c.path("images")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create a directory for images: %w", err)
	}
	work, err := os.MkdirTemp(dir, "image-")
	if err != nil {
		return fmt.Errorf("create a directory for an image: %w", err)
	}
	defer os.RemoveAll(work)
	archive := filepath.Join(work, "image.tar")
	if err := writeArchiveFile(archive, image); err != nil {
		return err
	}
	return c.LoadArchive(ctx, archive)
}

// LoadArchive imports the images of an archive, in the format of "docker save"
// or of OCI, on every node.
func (c *Cluster) LoadArchive(ctx context.Context, path string) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, node := range c.nodes {
		group.Go(func() error {
			if _, err := node.ctr(ctx, "images", "import", path); err != nil {
				return fmt.Errorf("import %q on %q: %w", path, node.Name(), err)
			}
			return nil
		})
	}
	return group.Wait()
}

// ctr runs containerd's own client from the host.
func (n *Node) ctr(ctx context.Context, args ...string) ([]byte, error) {
	socket, err := n.socket()
	if err != nil {
		return nil, err
	}
	program := filepath.Join(n.cluster.read().Binaries.Containerd, "ctr")
	command := exec.CommandContext(ctx, program, append([]string{"--address", socket, "--namespace", "k8s.io"}, args...)...)
	report, err := command.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("run %q: %w\n%s", command.String(), err, tail(report, 10))
	}
	return report, nil
}
