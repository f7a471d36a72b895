package mixed_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/leaseholder-dev/leaseholder/test/contender"
)

// What all tests share.
var (
	kube       *rest.Config
	client     kubernetes.Interface
	kubeconfig string
	programs   contender.Set
)

// TestMain runs the tests against a real kube-apiserver and etcd, which
// `make control-plane` builds and KUBEBUILDER_ASSETS names.
func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "leaseholder-mixed-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if programs, err = contender.Binaries(context.Background(), dir); err != nil {
		return 1, err
	}
	if programs.Elector2016Path, err = contender.BuildElector2016(context.Background(), dir); err != nil {
		return 1, err
	}
	var server envtest.Environment
	if kube, err = server.Start(); err != nil {
		return 1, fmt.Errorf("start a control plane (make control-plane, KUBEBUILDER_ASSETS=$PWD/bin/k8s): %w", err)
	}
	defer func() { _ = server.Stop() }()
	kube.QPS = -1
	// From 1.33 on every answer about Endpoints objects bears one.
	kube.WarningHandlerWithContext = rest.NoWarnings{}
	if client, err = kubernetes.NewForConfig(kube); err != nil {
		return 1, err
	}
	kubeconfig = filepath.Join(dir, "kubeconfig")
	if err := os.WriteFile(kubeconfig, server.KubeConfig, 0o600); err != nil {
		return 1, err
	}
	return m.Run(), nil
}
