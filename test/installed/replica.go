package installed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

const service = "leaseholder-webhook"

// Replica runs the webhook's program as the chart's Deployment says, with its account,
// behind the Service, until the test ends.
func (p *Plane) Replica(t *testing.T, program, name string) (ready func(context.Context) error) {
	t.Helper()
	var d appsv1.Deployment
	if err := p.Admin.Get(t.Context(), types.NamespacedName{Namespace: Namespace, Name: service}, &d); err != nil {
		t.Fatal(err)
	}
	webhook, health := webhooktest.FreePort(t), webhooktest.FreePort(t)
	args := slices.Concat(d.Spec.Template.Spec.Containers[0].Args, []string{
		fmt.Sprintf("--webhook-port=%d", webhook), fmt.Sprintf("--health-port=%d", health), fmt.Sprintf("--metrics-port=%d", webhooktest.FreePort(t)),
	})
	Run(t, name, program, []string{"POD_NAME=" + name, "POD_UID=" + name, "POD_NAMESPACE=" + Namespace, "KUBECONFIG=" + p.WebhookKubeconfig}, args...)

	slice := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: Namespace, Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: service}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{ownAddress(t)}}},
		Ports:       []discoveryv1.EndpointPort{{Name: new("webhook"), Port: new(int32(webhook))}},
	}
	if err := p.Admin.Create(t.Context(), slice); err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/readyz?verbose", health), http.NoBody)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return errors.New(answer.Status)
		}
		return nil
	}
}

// Build compiles a command of the root module.
func Build(t *testing.T, name string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	c := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/"+name)
	c.Dir = Root(t)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return program
}

// Run runs a program until the test ends, and shows what it said if the test failed.
func Run(t *testing.T, name, program string, env []string, args ...string) {
	t.Helper()
	var said strings.Builder
	c := exec.CommandContext(context.WithoutCancel(t.Context()), program, args...)
	c.Env = append(os.Environ(), env...)
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, said.String())
		}
	})
}

// ownAddress is one of this machine's that is not loopback: no endpoint may be.
func ownAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if network, ok := a.(*net.IPNet); ok && network.IP.To4() != nil && network.IP.IsGlobalUnicast() {
			return network.IP.String()
		}
	}
	t.Fatal("this machine has no address but loopback")
	return ""
}
