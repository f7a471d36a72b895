package main

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/leaseholder-dev/leaseholder/injector"
)

func TestEveryFaultOfTheOptionsIsToldAtOnce(t *testing.T) {
	var stderr bytes.Buffer
	args := []string{
		"--sidecar-cpu-request=much", "--sidecar-memory-limit=1Mi", "--sidecar-image-pull-policy=Sometimes", "--sidecar-log-level=loud", "--sidecar-meshes=istio,consul",
		"--webhook-port=0", "--health-port=x", "--metrics-port=70000", "--service=No Label", "--webhook-configuration=", "--certificate-secret=",
		"--certificates=mine", "--election=-", "--unused-after=soon", "--shutdown-delay=-1s", "--log-level=quiet",
	}
	if code := run(t.Context(), args, func(string) string { return "" }, &stderr, &stderr); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	wanted := []string{"--sidecar-image must be set", "POD_NAME", "POD_UID", "POD_NAMESPACE"}
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
		*o.value = o.def
	}
	f.sidecarImage = "sidecar:1"
	o, err := f.complete(func(name string) string {
		return map[string]string{"POD_NAME": "p", "POD_UID": "u", "POD_NAMESPACE": "n"}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	if o.webhookPort != 9443 || o.healthPort != 8081 || o.metricsPort != 8080 || o.election != "leaseholder-webhook" || o.certificatesGiven {
		t.Errorf("%+v", o)
	}
}

func TestMeshesAreAListOfNames(t *testing.T) {
	for value, want := range map[string][]injector.Mesh{
		"":               nil,
		"linkerd":        {injector.Linkerd},
		"istio, linkerd": {injector.Istio, injector.Linkerd},
		"istio,,linkerd": nil,
		"Istio":          nil,
		"istio;linkerd":  nil,
	} {
		var c completer
		got := c.meshes("--sidecar-meshes", value)
		if !slices.Equal(got, want) || (len(c.faults) > 0) != (value != "" && want == nil) {
			t.Errorf("%q: got %q, faults %v", value, got, c.faults)
		}
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
		Sidecar  struct {
			LogLevel  string
			Resources struct{ Requests, Limits struct{ CPU, Memory string } }
		}
		Webhook struct{ Port int }
	}
	if err := yaml.Unmarshal(raw, &values); err != nil {
		t.Fatal(err)
	}
	var f flags
	for _, o := range f.all() {
		*o.value = o.def
	}
	requests, limits := values.Sidecar.Resources.Requests, values.Sidecar.Resources.Limits
	for name, pair := range map[string][2]string{
		"sidecar-cpu-request":    {f.sidecarCPURequest, requests.CPU},
		"sidecar-memory-request": {f.sidecarMemoryRequest, requests.Memory},
		"sidecar-cpu-limit":      {f.sidecarCPULimit, limits.CPU},
		"sidecar-memory-limit":   {f.sidecarMemoryLimit, limits.Memory},
		"sidecar-log-level":      {f.sidecarLogLevel, values.Sidecar.LogLevel},
		"webhook-port":           {f.webhookPort, strconv.Itoa(values.Webhook.Port)},
		"log-level":              {f.logLevel, values.LogLevel},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q by default, and %q in the chart", name, pair[0], pair[1])
		}
	}
}
