package footprint

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// root is the root module's folder.
const root = "../.."

// measured is one measurement for all tests.
var measured = sync.OnceValues(func() (*Report, error) { return Measure(context.Background(), root) })

func measure(t *testing.T) *Report {
	t.Helper()
	r, err := measured()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func document(t *testing.T) string {
	t.Helper()
	d, err := os.ReadFile(filepath.Join(root, "docs", "footprint.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(d)
}

func TestTheSidecarIsWithinItsBudget(t *testing.T) {
	r := measure(t)
	if err := r.Judge(); err != nil {
		t.Error(err)
		for _, grown := range r.Stale(document(t)) {
			t.Log("since docs/footprint.md was written:", grown)
		}
	}
}

func TestTheDocumentTellsWhatIsMeasured(t *testing.T) {
	for _, stale := range measure(t).Stale(document(t)) {
		t.Errorf("docs/footprint.md: %s: `make footprint WRITE=1` writes it anew", stale)
	}
}

func TestThePartsAddUp(t *testing.T) {
	r := measure(t)
	var sum int64
	for _, p := range r.Parts {
		sum += p.Size
		switch {
		case p.Name == unassigned:
			t.Errorf("%d bytes are of %s: name them in groups", p.Size, unassigned)
		case p.Size <= 0:
			t.Errorf("%s: %d bytes", p.Name, p.Size)
		}
	}
	if sum != r.Programs[0].Size {
		t.Errorf("the parts are %d bytes, the program is %d", sum, r.Programs[0].Size)
	}
}

func TestEveryStepIsLargerAndEveryCutShrinks(t *testing.T) {
	r := measure(t)
	if !slices.IsSortedFunc(r.Steps, func(a, b Part) int { return int(a.Size - b.Size) }) {
		t.Errorf("a step is smaller than the one before: %v", r.Steps)
	}
	for _, c := range r.Cuts {
		if c.Size <= 0 {
			t.Errorf("without %s the program shrinks by %d bytes", c.Name, c.Size)
		}
	}
}

func TestPackageOf(t *testing.T) {
	tests := map[string]string{
		"main.main":                                    "main",
		"runtime.mallocgc":                             "runtime",
		"runtime.memmove.abi0":                         "runtime",
		"net/http.(*Transport).dialConn":               "net/http",
		"net/http.(*Transport).dialConn.func1":         "net/http",
		"gopkg.in/inf%2ev0.(*Dec).Cmp":                 "gopkg.in/inf.v0",
		"go.yaml.in/yaml/v2.yaml_parser_parse_node":    "go.yaml.in/yaml/v2",
		"type:.eq.k8s.io/api/coordination/v1.Lease":    "k8s.io/api/coordination/v1",
		"type:.hash.net/http.connectMethodKey":         "net/http",
		"slices.SortFunc[go.shape.[]net/http.Header]":  "slices",
		"sync/atomic.(*Pointer[go.shape.int]).Load":    "sync/atomic",
		"vendor/golang.org/x/net/idna.idnaValues":      "vendor/golang.org/x/net/idna",
		"type:.eq.struct { go.yaml.in/yaml/v2.a int }": "",
		"go:itab.*os.File,io.Reader":                   "",
		"type:*":                                       "",
		"go:func.*":                                    "",
		"_rt0_amd64_linux":                             "",
		"k8s.io/client-go/rest.init.0":                 "k8s.io/client-go/rest",
		"k8s.io/apimachinery/pkg/apis/meta/v1..stmp_1": "k8s.io/apimachinery/pkg/apis/meta/v1",
	}
	for symbol, want := range tests {
		if got := packageOf(symbol); got != want {
			t.Errorf("%s is of %q, want %q", symbol, got, want)
		}
	}
}

func TestGroupOf(t *testing.T) {
	tests := map[string]string{
		"runtime":                      "Go: runtime",
		"crypto/tls":                   "Go: TLS and cryptography",
		"net":                          standardLibrary,
		"net/http/internal":            "Go: HTTP",
		"vendor/golang.org/x/net/idna": "Go: HTTP",
		"k8s.io/client-go/rest":        "`k8s.io/client-go`",
		"k8s.io/apiserver":             unassigned,
		"example.com/new":              unassigned,
	}
	for path, want := range tests {
		if got := groupOf(path); got != want {
			t.Errorf("%s is in %q, want %q", path, got, want)
		}
	}
}

func TestEmptied(t *testing.T) {
	const source = `package p

import (
	"fmt"
	"net/http"

	"example.com/lib/v2"
	other "example.com/lib"
)

// F uses all of them.
func F(a string) (h http.Handler, err error) {
	// A word.
	return other.Handler(lib.New(a)), fmt.Errorf("no")
}

func g() { fmt.Println() }
`
	const want = `package p

import (
	"fmt"
	"net/http"
)

func F(a string) (h http.Handler, err error) { return *new(http.Handler), *new(error) }

func g() { fmt.Println() }
`
	got, err := emptied([]byte(source), "F")
	if err != nil {
		t.Fatal(err)
	}
	if fields(string(got)) != fields(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, err := emptied([]byte(source), "H"); err == nil || !strings.Contains(err.Error(), `"H"`) {
		t.Errorf("an unknown function gives %v", err)
	}
}

// fields is source without its layout.
func fields(source string) string { return strings.Join(strings.Fields(source), " ") }

// sample is a report of round sizes.
func sample() *Report {
	return &Report{
		Go:       "1.26",
		Programs: []Part{{"amd64", 11_660_000}, {"arm64", 11_000_000}},
		Parts:    []Part{{"small", 1_000_000}, {"large", 10_660_000}},
		Steps:    []Part{{"nothing", 1_000_000}, {"all", 11_660_000}},
		Cuts:     []Part{{"frills", 200_000}},
		Modules:  []string{"example.com/lib"},
	}
}

func TestJudge(t *testing.T) {
	r := sample()
	r.Programs[0].Size, r.Programs[1].Size = Budget-1, Budget
	if err := r.Judge(); err != nil {
		t.Errorf("at the budget: %v", err)
	}
	r.Programs[1].Size = Budget + 7
	err := r.Judge()
	if err == nil {
		t.Fatal("over the budget there is no error")
	}
	for _, want := range []string{"arm64", strconv.FormatInt(Budget+7, 10), "budget of " + strconv.FormatInt(Budget, 10), " 7 more", "large 10.7 MB, small 1.0 MB"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
}

func TestStale(t *testing.T) {
	tests := map[string]struct {
		change func(*Report)
		says   string // empty: not stale
	}{
		"nothing changed":              {func(*Report) {}, ""},
		"another compiler":             {func(r *Report) { r.Go = "1.27" }, ""},
		"a size that rounds otherwise": {func(r *Report) { r.Parts[0].Size += 90_000 }, ""},
		"a size that grew":             {func(r *Report) { r.Parts[0].Size += 200_000 }, "1.0 MB became 1.2 MB (+0.2 MB)"},
		"a size that shrank":           {func(r *Report) { r.Cuts[0].Size = 0 }, "0.2 MB became 0.0 MB (-0.2 MB)"},
		"another module":               {func(r *Report) { r.Modules = append(r.Modules, "example.com/new") }, "example.com/new"},
		"a module less":                {func(r *Report) { r.Modules = nil }, "example.com/lib"},
		"another part":                 {func(r *Report) { r.Parts[0].Name = "tiny" }, "tiny"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := sample()
			written := r.Document()
			test.change(r)
			stale := strings.Join(r.Stale(written), "\n")
			if test.says == "" && stale != "" || !strings.Contains(stale, test.says) {
				t.Errorf("it is stale in %q, want %q", stale, test.says)
			}
		})
	}
}
