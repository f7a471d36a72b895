package installed_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/test/installed"
)

// publish writes all bundles as the webhook and cert-manager's injector do.
func publish(t *testing.T, p *installed.Plane, by client.Client, bundle string) error {
	t.Helper()
	pods, workloads, err := p.Configurations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	write := func(o client.Object, names []string) error {
		var hooks []map[string]any
		for _, name := range names {
			hooks = append(hooks, map[string]any{"name": name, "clientConfig": map[string]any{"caBundle": []byte(bundle)}})
		}
		body, err := json.Marshal(map[string]any{"webhooks": hooks})
		if err != nil {
			return err
		}
		return by.Patch(t.Context(), o, client.RawPatch(types.StrategicMergePatchType, body))
	}
	var podNames, workloadNames []string
	for i := range pods.Webhooks {
		podNames = append(podNames, pods.Webhooks[i].Name)
	}
	for i := range workloads.Webhooks {
		workloadNames = append(workloadNames, workloads.Webhooks[i].Name)
	}
	return errors.Join(write(&pods, podNames), write(&workloads, workloadNames))
}

func authority(name string) string { return "-----BEGIN CERTIFICATE-----\n" + name }

// TestHelmChangesTheModeOfCertificates goes through all modes and back, while the
// bundles hold what the webhook or cert-manager has written.
func TestHelmChangesTheModeOfCertificates(t *testing.T) {
	p := installed.New(t)
	values := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(values, fmt.Appendf(nil, "certificates: {mode: provided, provided: {secretName: theirs, caBundle: %q}}", authority("provided")), 0o600); err != nil {
		t.Fatal(err)
	}
	own := &corev1.Secret{}
	ownName := types.NamespacedName{Namespace: installed.Namespace, Name: "leaseholder-webhook-certificate"}
	steps := []struct {
		name string
		args []string
		// want is what all bundles hold then, and publish who writes into them after that.
		want    string
		publish string
		secret  bool
	}{
		{"a fresh installation trusts nobody yet", nil, "", "own", true},
		{"an upgrade leaves the webhook's own", nil, authority("own"), "", true},
		{"cert-manager replaces the webhook's own", []string{"--set", "certificates.mode=certManager"}, authority("own"), "issued", false},
		{"an upgrade leaves what cert-manager injected", []string{"--set", "certificates.mode=certManager"}, authority("issued"), "", false},
		{"what is provided replaces what cert-manager injected", []string{"--values", values, "--force-conflicts"}, authority("provided"), "", false},
		{"the webhook's own can come again", []string{"--set", "certificates.mode=selfManaged"}, "", "own", true},
		{"what is provided replaces the webhook's own", []string{"--values", values, "--force-conflicts"}, authority("provided"), "", false},
		{"cert-manager comes after what was provided", []string{"--set", "certificates.mode=certManager"}, "", "issued", false},
		{"the webhook's own comes after cert-manager", nil, authority("issued"), "own", true},
	}
	for _, s := range steps {
		if force := slices.Index(s.args, "--force-conflicts"); force >= 0 {
			// Who wrote the bundles owns them: Helm 4 overwrites them only when it is told to.
			err := p.Helm(t, append([]string{"--reset-values"}, slices.Delete(slices.Clone(s.args), force, force+1)...)...)
			if err == nil || !strings.Contains(err.Error(), "conflict") {
				t.Errorf("%s: without force, Helm says: %v", s.name, err)
			}
		}
		if err := p.Helm(t, append([]string{"--reset-values"}, s.args...)...); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if got, err := p.Bundles(t.Context()); err != nil || !slices.Equal(got, []string{s.want}) {
			t.Errorf("%s: the bundles hold %q: %v", s.name, got, err)
		}
		if err := p.Admin.Get(t.Context(), ownName, own); s.secret != (err == nil) || err != nil && !apierrors.IsNotFound(err) {
			t.Errorf("%s: the webhook's own secret: %v", s.name, err)
		}
		err := publish(t, p, p.Webhook, authority("own"))
		if s.secret && err != nil || !s.secret && !apierrors.IsForbidden(err) && !strings.Contains(err.Error(), "forbidden") {
			t.Errorf("%s: the webhook writes bundles: %v", s.name, err)
		}
		switch s.publish {
		case "issued":
			err = publish(t, p, p.Admin, authority("issued"))
		default:
			err = nil
		}
		if err != nil {
			t.Errorf("%s: publish: %v", s.name, err)
		}
	}
}

// TestCertManagersDefinitionsKnowWhatTheChartAsksFor has the API server check every
// field against cert-manager's definitions.
func TestCertManagersDefinitionsKnowWhatTheChartAsksFor(t *testing.T) {
	p := installed.New(t)
	chart := filepath.Join(installed.Root(t), "charts", "leaseholder")
	if err := p.Admin.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: installed.Namespace}}); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"an authority of its own": nil,
		"an issuer of the user's": {"--set", "certificates.certManager.issuerRef.name=internal"},
	} {
		t.Run(name, func(t *testing.T) {
			helm := exec.CommandContext(t.Context(), filepath.Join(installed.Root(t), "bin", "tools", "helm"), append([]string{
				"template", "leaseholder", chart, "--namespace", installed.Namespace, "--set", "certificates.mode=certManager",
			}, args...)...)
			rendered, err := helm.Output()
			if err != nil {
				t.Fatal(err)
			}
			count := 0
			for document := range strings.SplitSeq(string(rendered), "\n---\n") {
				if !strings.Contains(document, "apiVersion: cert-manager.io/v1") {
					continue
				}
				count++
				if err := p.Create(t, document); err != nil {
					t.Errorf("%v\n%s", err, document)
				}
				if wrong := strings.Replace(document, "spec:", "spec:\n  unheardOf: true", 1); p.Create(t, wrong) == nil {
					t.Error("an unknown field is let pass")
				}
			}
			if want := map[bool]int{true: 4, false: 1}[args == nil]; count != want {
				t.Errorf("%d objects instead of %d", count, want)
			}
		})
	}
}
