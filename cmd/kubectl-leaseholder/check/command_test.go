package check

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/exit"
)

// call calls the command without a cluster.
func call(t *testing.T, in string, args ...string) (out string, code int) {
	t.Helper()
	var stdout, stderr strings.Builder
	flags := genericclioptions.NewConfigFlags(true)
	c := Command(flags, genericiooptions.IOStreams{In: strings.NewReader(in), Out: &stdout, ErrOut: &stderr})
	flags.AddFlags(c.PersistentFlags())
	c.SetArgs(append([]string{"--kubeconfig=" + os.DevNull, "--server=http://127.0.0.1:1"}, args...))
	c.SetOut(&stderr)
	c.SetErr(&stderr)
	c.SilenceUsage = true
	code = exit.Code(c.ExecuteContext(t.Context()))
	return stdout.String() + stderr.String(), code
}

// deployment is a manifest with an annotation, and a line among its metadata.
func deployment(annotation, metadata string) string {
	return `apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop` + metadata + `}
spec:
  template:
    metadata: {annotations: {` + annotation + `}}
    spec: {containers: [{name: app, image: orders}]}
`
}

func TestManifestsAreJudged(t *testing.T) {
	for what, test := range map[string]struct {
		in   string
		args []string
		code int
		want string
	}{
		"one that is right": {
			deployment("leaseholder.dev/inject: 'true'", ""), nil, 0,
			"stdin:1: document 1: Deployment/orders: the pod asks for the election sidecar: election \"deployment-orders\", standby ready\n" +
				"1 get the sidecar, 0 bring it along, 0 left alone, 0 warnings\n",
		},
		"one that asks for nothing": {
			deployment("", ""),
			[]string{"--strict"},
			0,
			"stdin:1: document 1: Deployment/orders: left alone: the pod has no leaseholder.dev/ annotation\n" +
				"0 get the sidecar, 0 bring it along, 1 left alone, 0 warnings\n",
		},
		"one with two mistakes": {
			deployment("leaseholder.dev/inject: 'true', leaseholder.dev/electoin: a, leaseholder.dev/standby: asleep", ""), nil, 2,
			`leaseholder refuses this pod: leaseholder.dev/electoin="a": allowed: no such annotation, only leaseholder.dev/ with cpu-limit, `,
		},
		"an annotation in the wrong place": {
			deployment("", ", annotations: {leaseholder.dev/inject: 'true'}"), nil, 0,
			`Deployment/orders: warning: this does nothing: metadata.annotations[leaseholder.dev/inject]="true": allowed: in spec.template.metadata.annotations`,
		},
		"a warning, for the strict": {
			deployment("", ", annotations: {leaseholder.dev/inject: 'true'}"), []string{"--strict"}, 2, "1 left alone, 1 warnings\n",
		},
		"what is no YAML":        {"a: b: c\n", nil, 1, "stdin:1: document 1: "},
		"a wrong policy":         {"", []string{"--policy=must"}, 1, `--policy="must" is refused`},
		"a namespace's policy":   {deployment("", ""), []string{"--policy=require"}, 0, "1 get the sidecar"},
		"an object of no kind":   {"a: b\n", nil, 0, "0 get the sidecar, 0 bring it along, 0 left alone, 0 warnings\n"},
		"a word without a flag":  {"", []string{"a.yaml"}, 1, "files are named with -f a.yaml"},
		"one and the same twice": {"", []string{"-f", "-"}, 1, "-f - can be given once"},
	} {
		t.Run(what, func(t *testing.T) {
			out, code := call(t, test.in, append([]string{"-f", "-"}, test.args...)...)
			if code != test.code || !strings.Contains(out, test.want) {
				t.Errorf("exit code %d: %s", code, out)
			}
			if strings.Contains(out, "nothing is written") {
				t.Errorf("it speaks of writing: %s", out)
			}
		})
	}
}

func TestFlagsWithoutEffectAreRefused(t *testing.T) {
	for what, test := range map[string]struct {
		args, want []string
	}{
		"those of files, without any": {
			[]string{"--policy=require", "--sidecar-image=x", "-R", "-v", "--api-server=10.96.0.1:443"},
			[]string{
				`--policy="require" is refused, allowed: with -f`, `--sidecar-image="x" is refused`, `--recursive="true" is refused`,
				`--verbose="true" is refused`, `--api-server="10.96.0.1:443" is refused`,
			},
		},
		"that of the installation, with files": {
			[]string{"-f", "-", "--system-namespace=y", "--strict"},
			[]string{`--system-namespace="y" is refused, allowed: without -f`},
		},
	} {
		t.Run(what, func(t *testing.T) {
			out, code := call(t, "", test.args...)
			for _, want := range test.want {
				if !strings.Contains(out, want) {
					t.Errorf("it does not say %q", want)
				}
			}
			if code != 1 || strings.Count(out, "is refused") != len(test.want) {
				t.Errorf("exit code %d: %s", code, out)
			}
		})
	}
}

func TestFoldersAreRead(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "a.yaml"), []byte(deployment("leaseholder.dev/inject: 'true'", "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := call(t, "", "-f", folder); code != 0 || !strings.HasPrefix(out, folder+"/a.yaml:1: document 1: Deployment/orders: ") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// TestTheEndOfTheCommandEndsTheFirstQuestion asks a server that never answers.
func TestTheEndOfTheCommandEndsTheFirstQuestion(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		end()
		<-r.Context().Done() // until the client has gone
	}))
	defer server.Close()
	client := kubernetes.NewForConfigOrDie(&rest.Config{Host: server.URL})
	if _, err := take(ctx, client, "", "shop"); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
}

func TestAClusterThatDoesNotAnswer(t *testing.T) {
	if out, code := call(t, ""); code != 1 || !strings.Contains(out, "ask the API server for its version: ") {
		t.Errorf("exit code %d: %s", code, out)
	}
}
