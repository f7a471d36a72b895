package footprint

import "strings"

// group is some packages that are there for one reason.
type group struct {
	name string
	// paths are import paths; each stands for the packages below it too. A longer
	// one wins over a shorter one.
	paths []string
}

// unassigned is where a library goes that no group names. It must be empty: who
// takes a library in says here what it is there for.
const unassigned = "libraries without a group"

// groups are the parts that the program's code is told in.
var groups = []group{
	{"Go: runtime", []string{"runtime", "internal/runtime"}},
	{"Go: TLS and cryptography", []string{"crypto", "vendor/golang.org/x/crypto", "encoding/asn1", "encoding/pem", "math/big", "hash"}},
	{"Go: HTTP", []string{"net/http", "net/textproto", "mime", "compress", "vendor/golang.org/x/net/http", "vendor/golang.org/x/net/http2", "vendor/golang.org/x/net/idna", "vendor/golang.org/x/text"}},
	{standardLibrary, nil},
	{"`k8s.io/client-go`", []string{"k8s.io/client-go"}},
	{"`k8s.io/apimachinery`", []string{"k8s.io/apimachinery"}},
	{"`k8s.io/api`", []string{"k8s.io/api"}},
	{"JSON, YAML, CBOR and protobuf for apimachinery", []string{
		"github.com/fxamacker/cbor", "github.com/json-iterator/go", "github.com/modern-go", "github.com/x448/float16", "go.yaml.in/yaml",
		"google.golang.org/protobuf", "gopkg.in/inf.v0", "sigs.k8s.io/json", "sigs.k8s.io/randfill", "sigs.k8s.io/structured-merge-diff", "sigs.k8s.io/yaml",
	}},
	{"`golang.org/x/net`, HTTP/2 for client-go", []string{"golang.org/x/net", "golang.org/x/text"}},
	{"other libraries for client-go", []string{
		"github.com/davecgh/go-spew", "github.com/go-logr/logr", "github.com/munnerz/goautoneg", "github.com/spf13/pflag",
		"golang.org/x/oauth2", "golang.org/x/term", "golang.org/x/time", "k8s.io/klog", "k8s.io/kube-openapi", "k8s.io/utils",
	}},
	{"`github.com/VictoriaMetrics/metrics`", []string{"github.com/VictoriaMetrics/metrics", "github.com/valyala"}},
	{"Leaseholder, with `golang.org/x/sync` and `x/sys`", []string{"main", "github.com/leaseholder-dev/leaseholder", "golang.org/x/sync", "golang.org/x/sys"}},
	{unassigned, nil},
}

// standardLibrary is the group of what of the standard library has none of its own.
const standardLibrary = "Go: the rest of the standard library"

// groupOf is the name of a package's group.
func groupOf(path string) string {
	best, longest := unassigned, 0
	if !strings.Contains(strings.SplitN(path, "/", 2)[0], ".") {
		best = standardLibrary
	}
	for _, g := range groups {
		for _, p := range g.paths {
			if len(p) > longest && (path == p || strings.HasPrefix(path, p+"/")) {
				best, longest = g.name, len(p)
			}
		}
	}
	return best
}
