// Package webhooktest gives tests a real kube-apiserver and etcd, and the
// account that the webhook has in a cluster: the rights and the policies of the
// chart and no others, so that a test fails where the webhook would be refused.
package webhooktest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	crlog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

const (
	// Namespace is the webhook's own.
	Namespace = "leaseholder-system"
	// Secret holds its certificate.
	Secret = "leaseholder-webhook-certificate"
	// Configuration is its MutatingWebhookConfiguration, and its
	// ValidatingWebhookConfiguration.
	Configuration = "admission.leaseholder.dev"

	// Account is the webhook's user.
	Account = "system:serviceaccount:" + Namespace + ":leaseholder-webhook"

	// patience is how long a test waits for what has to come.
	patience = 90 * time.Second
	// glance is the time between two looks.
	glance = 20 * time.Millisecond
)

// Cluster is what a test has of its control plane.
type Cluster struct {
	// Admin may do everything, Config is its configuration.
	Admin  client.Client
	Config *rest.Config
	// Client may do what the chart lets the webhook do, Webhook is its
	// configuration.
	Client  client.Client
	Webhook *rest.Config
	// Callers are the authority of the certificate that the API server shows to webhooks
	// that ask for one.
	Callers *Callers
	// Environment is the control plane itself.
	Environment *envtest.Environment
	// Audit is the file of MainAudited, empty without one.
	Audit string
}

// Main starts a control plane, runs the tests of a package and gives their exit
// code. It is called by TestMain.
func Main(m *testing.M, cluster *Cluster) int { return run(m, cluster, "") }

func run(m *testing.M, cluster *Cluster, audit string) int {
	crlog.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	environment := &envtest.Environment{BinaryAssetsDirectory: assets()}
	// As in a cluster, a pod gets the account of its namespace.
	environment.ControlPlane.GetAPIServer().Configure().Disable("disable-admission-plugins")
	if audit != "" {
		environment.ControlPlane.GetAPIServer().Configure().Set("audit-policy-file", audit+policySuffix).Set("audit-log-path", audit)
	}
	callers, clean, err := identify(environment)
	if err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "give the API server a certificate: %v\n", err)
		return 1
	}
	defer clean()
	config, err := environment.Start()
	if err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "no kube-apiserver and etcd to test against: %v\nrun: make control-plane\n", err)
		return 1
	}
	defer func() { _ = environment.Stop() }()
	if *cluster, err = connect(config); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "set up the control plane: %v\n", err)
		return 1
	}
	cluster.Callers, cluster.Environment, cluster.Audit = callers, environment, audit
	return m.Run()
}

// assets is where `make control-plane` puts the binaries; KUBEBUILDER_ASSETS
// goes first.
func assets() string {
	if os.Getenv("KUBEBUILDER_ASSETS") != "" {
		return ""
	}
	return filepath.Join(root(), "bin", "k8s")
}

// root is the folder of the repository, in which a test runs somewhere.
func root() string {
	folder, _ := os.Getwd()
	for ; folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "charts", "leaseholder")); err == nil {
			break
		}
	}
	return folder
}

func connect(config *rest.Config) (Cluster, error) {
	config.QPS = -1
	admin, err := client.New(config, client.Options{Scheme: view.Scheme()})
	if err != nil {
		return Cluster{}, err
	}
	limited := As(config, Namespace, "leaseholder-webhook")
	narrow, err := client.New(limited, client.Options{Scheme: view.Scheme()})
	if err != nil {
		return Cluster{}, err
	}
	objects, err := Installation()
	if err != nil {
		return Cluster{}, fmt.Errorf("read the chart: %w", err)
	}
	ctx := context.Background()
	for _, object := range objects {
		if err := admin.Create(ctx, object); err != nil {
			return Cluster{}, fmt.Errorf("create %T: %w", object, err)
		}
	}
	if err := awaitPolicies(ctx, narrow); err != nil {
		return Cluster{}, err
	}
	return Cluster{Admin: admin, Config: config, Client: narrow, Webhook: limited}, nil
}

// As is the configuration of a service account: it is what the account's token would
// make of it.
func As(config *rest.Config, namespace, name string) *rest.Config {
	account := rest.CopyConfig(config)
	account.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:" + namespace + ":" + name,
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"},
	}
	return account
}

// Cache starts the webhook's cache for as long as the test runs, and waits
// until it is filled.
func (c Cluster) Cache(t *testing.T) cache.Cache {
	t.Helper()
	made, err := view.NewCache(t.Context(), c.Webhook, view.Options{
		Namespace: Namespace, CertificateSecret: Secret, WebhookConfiguration: Configuration,
	})
	if err != nil {
		t.Fatal(err)
	}
	Background(t, "cache", made.Start)
	if !made.WaitForCacheSync(t.Context()) {
		t.Fatal("the cache was not filled")
	}
	return made
}

// Install makes an object for as long as the test runs.
func (c Cluster) Install(t *testing.T, object client.Object) {
	t.Helper()
	if err := c.Admin.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Admin.Delete(context.WithoutCancel(t.Context()), object) })
}

// Background runs something until the test ends, and waits for it.
func Background(t *testing.T, what string, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := run(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("%s ended: %v", what, err)
		}
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

// Eventually waits until ok says nothing more against it.
func Eventually(t *testing.T, what string, ok func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	look := time.NewTicker(glance)
	defer look.Stop()
	var last error
	for {
		err := ok(ctx)
		if err == nil {
			return
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: still not so: %v", what, last)
		case <-look.C:
		}
	}
}
