package main

import (
	"bytes"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/leaseholder-dev/leaseholder/webhook/certs"
)

func TestEveryFaultOfTheOptionsIsToldAtOnce(t *testing.T) {
	var stderr bytes.Buffer
	args := []string{
		"--sidecar-cpu-request=much", "--sidecar-memory-limit=1Mi", "--sidecar-image-pull-policy=Sometimes", "--sidecar-log-level=loud", "--sidecar-meshes=istio,consul",
		"--webhook-port=0", "--health-port=x", "--metrics-port=70000", "--service=No Label", "--webhook-configuration=", "--certificate-secret=",
		"--certificates=mine", "--client-ca=mine", "--election=-", "--rights=some", "--unused-after=soon", "--shutdown-delay=-1s", "--log-level=quiet",
	}
	unlimited := func(name string) string { return map[string]string{"MEMORY_LIMIT": "max"}[name] }
	if code := run(t.Context(), args, unlimited, &stderr, &stderr); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	wanted := []string{"--sidecar-image must be set", "--cloud-sidecar-image must be set", "POD_NAME", "POD_UID", "POD_NAMESPACE", `MEMORY_LIMIT="max"`}
	for _, arg := range args {
		name, _, _ := strings.Cut(arg, "=")
		wanted = append(wanted, name)
	}
	for _, want := range wanted {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("no word about %s:\n%s", want, stderr.String())
		}
	}
}

func TestDefaultsNeedOnlyTheImageAndThePod(t *testing.T) {
	var f flags
	for _, o := range f.all() {
		*o.Value = o.Default
	}
	f.sidecar.Image, f.sidecar.Cloud.Image = "sidecar:1", "cloud:1"
	o, err := f.complete(func(name string) string {
		return map[string]string{"POD_NAME": "p", "POD_UID": "u", "POD_NAMESPACE": "n"}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	if o.memoryLimit != 0 {
		t.Errorf("a memory limit of %d that nobody set", o.memoryLimit)
	}
	if o.webhookPort != 9443 || o.healthPort != 8081 || o.metricsPort != 8080 || o.election != "leaseholder-webhook" || !o.rightsManaged || o.certificates != certs.SelfManaged {
		t.Errorf("%+v", o)
	}
}

func TestTheAPIServerIsWhereTheKubeletSays(t *testing.T) {
	for name, test := range map[string]struct{ host, port, want string }{
		"version 4":               {"10.96.0.1", "443", "10.96.0.1:443"},
		"version 6":               {"fd00::1", "6443", "[fd00::1]:6443"},
		"a name is not looked up": {"kubernetes.example", "443", ""},
		"outside a cluster":       {"", "", ""},
		"no port":                 {"10.96.0.1", "", ""},
		"a port that can not be":  {"10.96.0.1", "0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := apiServer(func(key string) string {
				return map[string]string{"KUBERNETES_SERVICE_HOST": test.host, "KUBERNETES_SERVICE_PORT": test.port}[key]
			})
			if got.IsValid() != (test.want != "") || got.IsValid() && got.String() != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestDefaultsAreTheCharts(t *testing.T) {
	raw, err := os.ReadFile("../../charts/leaseholder/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values struct {
		LogLevel string
		Webhook  struct{ Port int }
		Rights   struct{ Mode string }
	}
	if err := yaml.Unmarshal(raw, &values); err != nil {
		t.Fatal(err)
	}
	var f flags
	for _, o := range f.all() {
		*o.Value = o.Default
	}
	for name, pair := range map[string][2]string{
		"webhook-port": {f.webhookPort, strconv.Itoa(values.Webhook.Port)},
		"log-level":    {f.logLevel, values.LogLevel},
		"rights":       {f.rights, values.Rights.Mode},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q by default, and %q in the chart", name, pair[0], pair[1])
		}
	}
}

func TestMemoryIsCollectedBeforeTheContainersLimit(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	limitMemory(0)
	if got := debug.SetMemoryLimit(-1); got != before {
		t.Errorf("without a limit it became %d", got)
	}
	const limit = 256 << 20
	limitMemory(limit)
	if got := debug.SetMemoryLimit(-1); got <= limit/2 || got >= limit {
		t.Errorf("it is %d of %d", got, limit)
	}
}
