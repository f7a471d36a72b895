// Package e2e tests the whole product as its user has it: the chart, installed
// by Helm on a real cluster of three nodes, and the examples of the repository.
// It needs root, and what `make build tools` leaves in bin/.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/leaseholder-dev/leaseholder/test/cluster"
	"github.com/leaseholder-dev/leaseholder/test/product"
)

// patience bounds every wait for what must come, and lifetime a test. Nothing is
// judged by how long it takes.
const (
	patience = 3 * time.Minute
	lifetime = 2 * patience
)

var (
	prod   product.Product
	client kubernetes.Interface
)

func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := run(ctx, m)
	stop()
	if err != nil {
		log.Fatal(err)
	}
	os.Exit(code)
}

func run(ctx context.Context, m *testing.M) (code int, err error) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return 0, fmt.Errorf("find the checkout: %w", err)
	}
	dir, err := os.MkdirTemp("", "leaseholder-e2e-")
	if err != nil {
		return 0, fmt.Errorf("make a directory for the cluster: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	c, err := cluster.Start(ctx, cluster.Options{Nodes: 3, Dir: dir, Out: os.Stderr})
	if err != nil {
		return 0, err
	}
	defer func() {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, c.Stop(clean))
	}()
	// An interruption must not leave the cluster behind.
	defer context.AfterFunc(ctx, func() {
		_ = cluster.Down(context.WithoutCancel(ctx), dir)
		os.Exit(1)
	})()

	prod = product.Product{Root: root, Cluster: c}
	if client, err = kubernetes.NewForConfig(c.RESTConfig()); err != nil {
		return 0, fmt.Errorf("connect to the cluster: %w", err)
	}
	if err := (site{prod, client}).install(ctx); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// install brings the images and the chart to a cluster, as the README says.
func (at site) install(ctx context.Context, values ...string) error {
	if err := at.prod.LoadImages(ctx); err != nil {
		return err
	}
	if err := at.restrict(ctx, product.Namespace); err != nil {
		return err
	}
	install := append(product.InstallCommand(), "--wait", "--timeout", patience.String())
	out, err := at.prod.Helm(ctx, append(install, values...)...)
	fmt.Fprintln(os.Stderr, out)
	if err != nil {
		at.report(ctx, os.Stderr, product.Namespace)
	}
	return err
}

// restrict makes a namespace in which the strictest level of Pod Security is enforced.
func (at site) restrict(ctx context.Context, name string) error {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}}}
	if _, err := at.client.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create the namespace %q: %w", name, err)
	}
	return nil
}
