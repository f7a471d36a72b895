package inject

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/exit"
	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// call calls the command with the settings of package injectortest.
func call(t *testing.T, in string, args ...string) (out, told string, code int) {
	t.Helper()
	var stdout, stderr strings.Builder
	// A connection that can't be made must not matter.
	flags := genericclioptions.NewConfigFlags(true)
	c := Command(flags, genericiooptions.IOStreams{In: strings.NewReader(in), Out: &stdout, ErrOut: &stderr})
	flags.AddFlags(c.PersistentFlags())
	resources, cloud := injectortest.Resources(), injectortest.CloudResources()
	c.SetArgs(append([]string{
		"--kubeconfig=/does/not/exist", "--server=nowhere",
		"--sidecar-image=" + injectortest.Image, "--sidecar-image-pull-policy=" + string(injectortest.PullPolicy),
		"--sidecar-cpu-request=" + resources.Requests.Cpu().String(), "--sidecar-memory-request=" + resources.Requests.Memory().String(),
		"--sidecar-cpu-limit=" + resources.Limits.Cpu().String(), "--sidecar-memory-limit=" + resources.Limits.Memory().String(),
		"--cloud-sidecar-image=" + injectortest.CloudImage, "--cloud-sidecar-image-pull-policy=" + string(injectortest.CloudPullPolicy),
		"--cloud-sidecar-cpu-request=" + cloud.Requests.Cpu().String(), "--cloud-sidecar-memory-request=" + cloud.Requests.Memory().String(),
		"--cloud-sidecar-cpu-limit=" + cloud.Limits.Cpu().String(), "--cloud-sidecar-memory-limit=" + cloud.Limits.Memory().String(),
		"--api-server=" + injectortest.APIServer().String(),
	}, args...))
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
			if code != 0 {
				return
			}
			if in, err := os.ReadFile("in.yaml"); err == nil {
				checkKept(t, string(in), out)
			}
			again, told, code := call(t, out, append([]string{"-f", "-"}, withoutFiles(string(args))...)...)
			if code != 0 || again != out || !strings.HasPrefix(told[strings.LastIndex(strings.TrimSpace(told), "\n")+1:], "0 injected") {
				t.Errorf("the second time, exit code %d: %s\n%s", code, told, again)
			}
		})
	}
}

// withoutFiles leaves out each -f with its value.
func withoutFiles(args string) []string {
	var rest []string
	words := strings.Fields(args)
	for i := 0; i < len(words); i++ {
		if words[i] == "-f" {
			i++
			continue
		}
		rest = append(rest, words[i])
	}
	return rest
}

// TestWindowsEndsOfLinesStay puts every case in with other ends of lines.
func TestWindowsEndsOfLinesStay(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil || len(inputs) == 0 {
		t.Fatal("there are no cases")
	}
	for _, in := range inputs {
		t.Run(in, func(t *testing.T) {
			raw, err := os.ReadFile(in)
			if err != nil {
				t.Fatal(err)
			}
			args := []string{"-f", "-", "-n", injectortest.Namespace}
			want, told, code := call(t, string(raw), args...)
			got, toldNow, codeNow := call(t, strings.ReplaceAll(string(raw), "\n", "\r\n"), args...)
			if got != strings.ReplaceAll(want, "\n", "\r\n") || told != toldNow || code != codeNow {
				t.Errorf("exit code %d instead of %d, and it says %q instead of %q:\n%s", codeNow, code, toldNow, told, got)
			}
		})
	}
}

func TestWhatIsNotOursComesOutByteForByte(t *testing.T) {
	for what, in := range map[string]string{
		"nothing":                           "",
		"empty lines":                       "\n\n",
		"a comment alone":                   "# nothing\n",
		"markers alone":                     "---\n---\n...\n",
		"no end of the last line":           "a: b",
		"a word":                            "hello\n",
		"a list":                            "- a\n- b\n",
		"odd layout":                        "kind:   Service\napiVersion: v1\nmetadata: { name:  x }\n\n\n\n--- # c\nx: [1,\n 2]\n",
		"a directive":                       "%YAML 1.1\n---\na: b\n...\n# after\n---\nc: d\n",
		"a byte order mark":                 "\ufeff---\napiVersion: v1\nkind: Service\n",
		"a marker inside a text":            "a: |\n  ---\n  b\n--- \nc: d\n",
		"JSON objects behind each other":    "{\"kind\":\"Service\",\"apiVersion\":\"v1\"}\n{\"a\": 1} {\"b\":2}\n",
		"JSON before a marker's end":        "{\"kind\":\"Service\",\"apiVersion\":\"v1\"}\n...\n",
		"a template of another's own kind":  "apiVersion: example.com/v1\nkind: Thing\nspec: {template: {spec: {containers: [{name: 1, image: {}}]}}}\n",
		"a workload that asks for nothing":  "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: b, image: c}]}}}\n",
		"a workload that wants no sidecar":  "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {metadata: {annotations: {leaseholder.dev/inject: 'false'}}, spec: {containers: [{name: b, image: c}]}}}\n",
		"a List of nothing":                 "apiVersion: v1\nkind: List\nitems: []\n",
		"a file of kustomize":               "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n",
		"an alias and duplicate white room": "a: &x   {b: c}\nd:   *x\n",
	} {
		t.Run(what, func(t *testing.T) {
			out, told, code := call(t, in, "-f", "-")
			if out != in || code != 0 {
				t.Errorf("exit code %d: %s\n%q", code, told, out)
			}
		})
	}
}

func TestTheWrongCommandLine(t *testing.T) {
	empty := t.TempDir()
	for what, test := range map[string]struct {
		args []string
		want string
	}{
		"no file":                  {nil, "-f must be set"},
		"no such file":             {[]string{"-f", "nowhere.yaml"}, "read nowhere.yaml: no such file or directory"},
		"a folder with nothing":    {[]string{"-f", empty}, "there is no file that ends with .json, .yaml, .yml"},
		"a URL":                    {[]string{"-f", "https://example.com/a.yaml"}, "only files, folders and - are read"},
		"standard input twice":     {[]string{"-f", "-", "-f", "-"}, "-f - can be given once"},
		"another policy":           {[]string{"-f", "-", "--policy=must"}, `--policy="must" is refused, allowed: "forbid", "require", "default"`},
		"no image of the cloud's":  {[]string{"-f", "-", "--cloud-sidecar-image="}, "--cloud-sidecar-image must be set"},
		"no image":                 {[]string{"-f", "-", "--sidecar-image="}, "--sidecar-image must be set"},
		"a limit below a request":  {[]string{"-f", "-", "--sidecar-cpu-limit=1m"}, `--sidecar-cpu-limit="1m" is refused, allowed: at least the request, 10m`},
		"a word that is no flag's": {[]string{"a.yaml"}, "files are named with -f a.yaml"},
	} {
		t.Run(what, func(t *testing.T) {
			out, told, code := call(t, "", test.args...)
			if code != exit.Failed || out != "" || !strings.Contains(told, test.want) {
				t.Errorf("exit code %d: %s%s", code, out, told)
			}
		})
	}
}

func TestWhatIsInjectedOtherwiseIsToBeInjectedFromItsOriginal(t *testing.T) {
	const in = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: b}\nspec: {template: {" +
		"metadata: {annotations: {leaseholder.dev/inject: 'true'}}, spec: {containers: [{name: c, image: d}]}}}\n"
	before, _, _ := call(t, in, "-f", "-", "--sidecar-image=old")
	out, told, code := call(t, before, "-f", "-", "--sidecar-image=new")
	if code != exit.Wrong || out != "" || !strings.Contains(told, "inject its original again") {
		t.Errorf("exit code %d: %s%s", code, out, told)
	}
}

// FuzzSplit checks that the pieces of a file are the file.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"a: b\n---\nc: d", "%YAML 1.1\n---\n...\n# x\n---", "{} {}[]", "{\"a\":1}\n---\n{", "\ufeff---\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var whole []byte
		for i, d := range split(source{text: text}) {
			if d.line != 1+bytes.Count(whole, []byte("\n")) || d.number != i+1 {
				t.Errorf("document %d is said to begin at line %d, as number %d", i+1, d.line, d.number)
			}
			whole = append(whole, d.text...)
		}
		if !bytes.Equal(whole, text) {
			t.Errorf("of %q became %q", text, whole)
		}
	})
}
