package settings

import (
	"slices"
	"testing"

	"github.com/leaseholder-dev/leaseholder/injector"
)

func TestMeshesAreAListOfNames(t *testing.T) {
	for value, want := range map[string][]injector.Mesh{
		"":               nil,
		"linkerd":        {injector.Linkerd},
		"istio, linkerd": {injector.Istio, injector.Linkerd},
		"istio,,linkerd": nil,
		"Istio":          nil,
		"istio;linkerd":  nil,
	} {
		var r Reader
		got := r.Meshes("--sidecar-meshes", value)
		if !slices.Equal(got, want) || (len(r.Faults) > 0) != (value != "" && want == nil) {
			t.Errorf("%q: got %q, faults %v", value, got, r.Faults)
		}
	}
}
