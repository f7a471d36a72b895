// Package layout holds the rules of who may import what, each with its reason.
package layout

import (
	"bufio"
	"bytes"
	"os/exec"
	"path"
	"strings"
	"testing"
)

const module = "github.com/leaseholder-dev/leaseholder/"

// rules say what a package and all that it imports must not import. Packages
// are named by their path in the module, others by their import path; a name
// stands for the packages below it too.
var rules = []struct {
	from   string
	never  []string
	reason string
}{
	{
		"injector",
		[]string{"k8s.io/client-go", "sigs.k8s.io/controller-runtime", "webhook", "sidecar/election", "sidecar/lock", "sidecar/api"},
		"injection is pure, and the same in the webhook and on the command line",
	},
	{
		"sidecar",
		[]string{"webhook", "injector", "sigs.k8s.io/controller-runtime"},
		"the sidecar runs in every pod: it carries nothing of what made it",
	},
	{
		"sidecar",
		[]string{"k8s.io/client-go/kubernetes"},
		"the full clientset registers every API type: 26 MB instead of 10",
	},
	{
		"cmd/leaseholder-sidecar",
		[]string{"webhook", "injector", "sigs.k8s.io/controller-runtime", "k8s.io/client-go/kubernetes"},
		"the same, for the program as a whole",
	},
	{
		"sidecar/lock/endpoints",
		[]string{"k8s.io/api"},
		"the record is in the metadata, and the package of core types costs megabytes",
	},
	{
		"sidecar/lock/kube",
		[]string{"k8s.io/api", "sidecar/lock/lease", "sidecar/lock/endpoints"},
		"it is what kinds of objects have in common, and knows none",
	},
	{
		"cmd/leaseholder-sidecar",
		[]string{"sidecar/lock/object", "cloud.google.com", "google.golang.org/api", "github.com/Azure", "github.com/aws"},
		"locks outside the cluster are leaseholder-sidecar-cloud's: the clouds' SDKs would double the program that most pods run",
	},
	{
		"sidecar/lock/s3",
		[]string{"k8s.io"},
		"a lock outside the cluster knows nothing of the cluster",
	},
	{
		"sidecar/election",
		[]string{"sidecar/lock/kube", "sidecar/lock/endpoints", "sidecar/lock/lease", "sidecar/lock/memory", "sidecar/lock/object", "sidecar/api", "k8s.io/client-go", "k8s.io/api"},
		"the rules of the election hold for every backend, and know none",
	},
	{
		"sidecar/report",
		[]string{"sidecar/lock/lease", "sidecar/lock/kube", "sidecar/api", "k8s.io"},
		"a report is written through a lock's interface, and so is tried without a cluster",
	},
	{
		"sidecar/lock",
		[]string{"sidecar/election", "sidecar/api"},
		"a lock serves an election and knows nothing of it",
	},
	{
		"sidecar/lock/azblob",
		[]string{"k8s.io", "github.com/apache/arrow-go"},
		"no API server is asked; and azblob from v1.8 on lists blobs by arrow, which no lock does: 2 MB and eight modules",
	},
	{
		"sidecar/lock/gcs",
		[]string{"cloud.google.com/go/storage", "k8s.io"},
		"the JSON API's own client is half as large, and no API server is asked",
	},
	{
		"sidecar/lock/object",
		[]string{"k8s.io", "github.com/Azure", "github.com/aws", "cloud.google.com", "google.golang.org"},
		"what all stores share knows none of them",
	},
	{
		"sidecar/lock/object/credentials",
		[]string{"k8s.io", "github.com", "cloud.google.com", "google.golang.org", "golang.org"},
		"it reads files for every store, by the standard library alone",
	},
	{
		"sidecar/config",
		[]string{"k8s.io", "sigs.k8s.io", "github.com", "golang.org"},
		"both sides of the contract import it, at no cost",
	},
	{
		"webhook/certs",
		[]string{"webhook/grants", "webhook/roles", "webhook/handover"},
		"one job each; the command wires them",
	},
	{
		"webhook/grants",
		[]string{"webhook/certs", "webhook/roles", "webhook/handover"},
		"one job each; the command wires them",
	},
	{
		"webhook/roles",
		[]string{"webhook/certs", "webhook/grants", "webhook/handover"},
		"one job each; the command wires them",
	},
	{
		"webhook/handover",
		[]string{"webhook/certs", "webhook/grants", "webhook/roles"},
		"one job each; the command wires them",
	},
	{
		"webhook/guard",
		[]string{"webhook", "injector", "k8s.io", "sigs.k8s.io"},
		"it bounds what is asked, and knows nothing of what that is",
	},
	{
		"webhook/workloads",
		[]string{"webhook/certs", "webhook/grants", "webhook/roles", "webhook/handover"},
		"one job each; the command wires them",
	},
	{
		"webhook/ownership",
		[]string{"webhook", "k8s.io/client-go", "sigs.k8s.io/controller-runtime"},
		"the rule of whose an election is: admission and the controller of grants both judge by it",
	},
	{
		"cmd/leaseholder-sidecar-cloud",
		[]string{"webhook", "injector", "sigs.k8s.io/controller-runtime", "k8s.io/client-go/kubernetes"},
		"as the other sidecar, it carries nothing of what made it, and no API type that it does not use",
	},
	{
		"cmd",
		[]string{"sidecar/election/electiontest", "sidecar/lock/locktest", "sidecar/lock/object/objecttest"},
		"they are tests, with the package testing: no program carries them",
	},
	{
		"webhook/onelock",
		[]string{"webhook/certs", "webhook/grants", "webhook/roles", "webhook/handover"},
		"admission and the command line judge by it, and by nothing that a controller does",
	},
	{
		"webhook/handover/request",
		[]string{"webhook/loop", "webhook/view", "sigs.k8s.io/controller-runtime"},
		"the command line writes requests too, and carries nothing of the controller",
	},
}

func TestImports(t *testing.T) {
	packages := list(t)
	for _, rule := range rules {
		found := false
		for name, imports := range packages {
			if !within(name, module+rule.from) {
				continue
			}
			found = true
			for _, i := range imports {
				for _, never := range rule.never {
					if within(i, full(never)) && !within(i, module+rule.from) {
						t.Errorf("%s imports %s: %s", name, i, rule.reason)
					}
				}
			}
		}
		if !found {
			t.Errorf("the rule about %q is about nothing", rule.from)
		}
	}
}

// full is the import path of a name in rules: those of other modules begin with
// a host.
func full(name string) string {
	if strings.Contains(strings.Split(name, "/")[0], ".") {
		return name
	}
	return module + name
}

func within(name, root string) bool { return name == root || strings.HasPrefix(name, root+"/") }

// list gives every package of the root module with all that it imports, itself
// and test files left out.
func list(t *testing.T) map[string][]string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Deps " "}}`, "./...")
	c.Dir = path.Join("..", "..")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("list the packages: %v\n%s", err, &stderr)
	}
	packages := map[string][]string{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, len(out)+1)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		packages[words[0]] = words[1:]
	}
	if len(packages) == 0 {
		t.Fatal("there are no packages")
	}
	return packages
}
