package rbac

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/exit"
	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/inject"
	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// call calls the command, without a kubeconfig unless the words name one.
func call(t *testing.T, in string, args ...string) (out, told string, code int) {
	t.Helper()
	return callAny(t, Command, in, append([]string{"--kubeconfig=/does/not/exist"}, args...)...)
}

func callAny(t *testing.T, command maker, in string, args ...string) (out, told string, code int) {
	t.Helper()
	var stdout, stderr strings.Builder
	flags := genericclioptions.NewConfigFlags(true)
	c := command(flags, genericiooptions.IOStreams{In: strings.NewReader(in), Out: &stdout, ErrOut: &stderr})
	flags.AddFlags(c.PersistentFlags())
	c.SetArgs(args)
	c.SetOut(&stdout)
	c.SetErr(&stderr)
	c.SilenceUsage = true
	err := c.ExecuteContext(t.Context())
	return stdout.String(), stderr.String(), exit.Code(err)
}

// TestGolden calls the command in every folder of testdata, with the words of the
// file args, and compares with the files out and err.
func TestGolden(t *testing.T) {
	folders, err := filepath.Glob("testdata/*")
	if err != nil || len(folders) == 0 {
		t.Fatal("there are no cases")
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			args, err := os.ReadFile(filepath.Join(folder, "args"))
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(folder)
			out, told, code := call(t, "", strings.Fields(string(args))...)
			injectortest.Compare(t, "out", out, *update)
			injectortest.Compare(t, "err", fmt.Sprintf("%sexit code %d\n", told, code), *update)
		})
	}
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: orders}
spec: {template: {metadata: {annotations: {leaseholder.dev/inject: "true"}}, spec: {containers: [{name: app, image: app:1}]}}}
`

func TestTheNamespaceIsThatOfKubectl(t *testing.T) {
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	content := `apiVersion: v1
kind: Config
contexts:
  - {name: here, context: {cluster: c, user: u, namespace: shop}}
  - {name: there, context: {cluster: c, user: u}}
current-context: here
`
	if err := os.WriteFile(kubeconfig, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, test := range map[string]struct {
		args []string
		want string
	}{
		"the context's":                    {nil, "shop"},
		"a context that names none":        {[]string{"--context=there"}, "default"},
		"the flag goes before the context": {[]string{"-n", "depot"}, "depot"},
	} {
		t.Run(what, func(t *testing.T) {
			out, told, code := callAny(t, Command, deployment, append([]string{"-f", "-", "--kubeconfig=" + kubeconfig}, test.args...)...)
			if code != 0 || strings.Count(out, "namespace: "+test.want+"\n") != 4 {
				t.Errorf("exit code %d: %s\n%s", code, told, out)
			}
		})
	}
	t.Run("no context says it", func(t *testing.T) {
		out, told, code := call(t, deployment, "-f", "-")
		if code != 2 || out != "" || !strings.Contains(told, "given with --namespace") {
			t.Errorf("exit code %d: %s\n%s", code, told, out)
		}
	})
}

// maker is a subcommand's.
type maker = func(*genericclioptions.ConfigFlags, genericiooptions.IOStreams) *cobra.Command

// What is injected already stands in the same election, and needs the same.
func TestInjectedManifestsGiveTheSame(t *testing.T) {
	want, _, _ := call(t, deployment, "-n", "shop", "-f", "-")
	injected, told, code := callAny(t, inject.Command, deployment, "-n", "shop", "-f", "-")
	if code != 0 || !strings.Contains(injected, "LEASEHOLDER_ELECTION") {
		t.Fatalf("exit code %d: %s\n%s", code, told, injected)
	}
	if got, told, code := call(t, injected, "-n", "shop", "-f", "-"); code != 0 || got != want || want == "" {
		t.Errorf("exit code %d: %s\n%s", code, told, got)
	}
}
