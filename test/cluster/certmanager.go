package cluster

import (
	"context"
	"io"
	"path/filepath"
)

// certManager is the program with cert-manager's controllers. It is no part of a
// cluster, and is compiled only for who asks.
var certManager = recipe{name: "certmanager", module: "github.com/cert-manager/cert-manager", packages: ".", output: "certmanager"}

// CertManager compiles that program if it is not in the cache yet, and gives its
// path. It is started with KUBECONFIG.
func CertManager(ctx context.Context, out io.Writer) (string, error) {
	dir, err := certManager.build(ctx, out)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, certManager.output), nil
}
