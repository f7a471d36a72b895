// Package installed puts the chart onto a real kube-apiserver, by Helm itself and
// beside cert-manager's real resource definitions. There are no nodes: what the chart
// asks for can be seen, and the webhook's own program runs beside it, with the
// arguments and the rights that the chart gives it.
package installed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	crlog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/yaml"

	"github.com/leaseholder-dev/leaseholder/test/contender"
)

// Namespace is where the chart is installed.
const Namespace = "leaseholder-system"

// account is what the webhook's pods run as.
const account = "system:serviceaccount:" + Namespace + ":leaseholder-webhook"

// Plane is a control plane with cert-manager's definitions.
type Plane struct {
	// Admin may do everything.
	Admin client.Client
	// Webhook may do what the chart lets the webhook do.
	Webhook client.Client
	// Kubeconfig is the file of the one, WebhookKubeconfig of the other.
	Kubeconfig, WebhookKubeconfig string
}

// New starts a control plane for as long as the test runs.
func New(t *testing.T) *Plane {
	t.Helper()
	crlog.SetLogger(logr.Discard())
	definitions := moduleDir(t)
	environment := &envtest.Environment{CRDDirectoryPaths: []string{filepath.Join(definitions, "deploy", "crds")}, ErrorIfCRDPathMissing: true}
	// A Service leads to its EndpointSlices, for nobody gives it an address.
	environment.ControlPlane.GetAPIServer().Configure().Set("enable-aggregator-routing", "true")
	config, err := environment.Start()
	if err != nil {
		t.Fatalf("start a control plane (make control-plane): %v", err)
	}
	t.Cleanup(func() { _ = environment.Stop() })
	p := &Plane{}
	config.QPS = -1
	if p.Admin, err = client.New(config, client.Options{Scheme: clientgoscheme.Scheme}); err != nil {
		t.Fatal(err)
	}
	admin, err := environment.AddUser(envtest.User{Name: "admin", Groups: []string{"system:masters"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	webhook, err := environment.AddUser(envtest.User{Name: account, Groups: []string{"system:serviceaccounts"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Webhook, err = client.New(webhook.Config(), client.Options{Scheme: clientgoscheme.Scheme}); err != nil {
		t.Fatal(err)
	}
	for file, user := range map[*string]*envtest.AuthenticatedUser{&p.Kubeconfig: admin, &p.WebhookKubeconfig: webhook} {
		content, err := user.KubeConfig()
		if err != nil {
			t.Fatal(err)
		}
		*file = filepath.Join(t.TempDir(), "kubeconfig")
		if err := os.WriteFile(*file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// Helm installs the chart or changes the release. The error holds what Helm says.
func (p *Plane) Helm(t *testing.T, args ...string) error {
	t.Helper()
	all := append([]string{
		"upgrade", "--install", "leaseholder", filepath.Join(Root(t), "charts", "leaseholder"),
		"--kubeconfig", p.Kubeconfig, "--namespace", Namespace, "--create-namespace",
	}, args...)
	out, err := exec.CommandContext(t.Context(), filepath.Join(Root(t), "bin", "tools", "helm"), all...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("helm %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// Create asks for an object as a dry run in which every unknown field is a fault.
func (p *Plane) Create(t *testing.T, document string) error {
	t.Helper()
	var object unstructured.Unstructured
	if err := yaml.Unmarshal([]byte(document), &object); err != nil {
		return err
	}
	return p.Admin.Create(t.Context(), &object, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict))
}

// Root is the folder of the repository.
func Root(t *testing.T) string {
	t.Helper()
	folder, err := contender.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// moduleDir is where cert-manager's module lies, after it was downloaded if need be.
func moduleDir(t *testing.T) string {
	t.Helper()
	c := exec.CommandContext(context.WithoutCancel(t.Context()), "go", "mod", "download", "-json", "github.com/cert-manager/cert-manager")
	c.Dir = filepath.Join(Root(t), "test", "cluster", "build", "certmanager")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("download cert-manager's module: %v\n%s", err, &stderr)
	}
	var module struct {
		Dir string `json:"Dir"`
	}
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	return module.Dir
}
