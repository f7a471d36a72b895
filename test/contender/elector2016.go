package contender

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// BuildElector2016 builds the elector of test/elector2016 into dir, and gives its path.
// The working directory must be in the tests' module.
func BuildElector2016(ctx context.Context, dir string) (string, error) {
	root, err := Root(ctx)
	if err != nil {
		return "", err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", fmt.Errorf("build the elector of 2016: %w", err)
	}
	path := filepath.Join(dir, "elector2016")
	return path, build(ctx, filepath.Join(root, "test", "elector2016"), path, ".")
}

// Elector2016 starts a leader-elector sidecar of 2016, which lives until it ends, is
// ended, or ctx ends. Its ttl is the lease duration, from which its other durations
// follow. It returns when the elector stands. It leads as long as its answer names it.
func (s Set) Elector2016(ctx context.Context, o Options) (*Process, error) {
	o = o.complete()
	port, err := FreePort(ctx)
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort("127.0.0.1", port)
	p := newProcess(ctx, o, s.Elector2016Path,
		"--election="+o.Election,
		"--election-namespace="+o.Namespace,
		"--id="+o.Name,
		"--ttl="+o.LeaseDuration.String(),
		"--http="+address,
	)
	p.url = "http://" + address
	p.command.Env = append(os.Environ(), "KUBECONFIG="+o.Kubeconfig)
	return p.stand(ctx)
}
