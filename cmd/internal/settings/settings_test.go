package settings

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"
)

func TestDefaultsAreTheCharts(t *testing.T) {
	var chart struct{ AppVersion string }
	read(t, "Chart.yaml", &chart)
	var values struct {
		Sidecar struct {
			Image     struct{ Repository, PullPolicy string }
			Resources struct{ Requests, Limits struct{ CPU, Memory string } }
			LogLevel  string
			Meshes    []string
		}
	}
	read(t, "values.yaml", &values)

	var f Flags
	f.RegisterChart(pflag.NewFlagSet("", pflag.ContinueOnError))
	s := values.Sidecar
	want := Flags{
		Image: s.Image.Repository + ":" + chart.AppVersion, PullPolicy: s.Image.PullPolicy,
		CPURequest: s.Resources.Requests.CPU, CPULimit: s.Resources.Limits.CPU,
		MemoryRequest: s.Resources.Requests.Memory, MemoryLimit: s.Resources.Limits.Memory,
		LogLevel: s.LogLevel, Meshes: strings.Join(s.Meshes, ","),
	}
	if f != want {
		t.Errorf("the defaults are %+v, and the chart's %+v", f, want)
	}
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile("../../../charts/leaseholder/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

func TestEachFaultIsToldOnce(t *testing.T) {
	for what, test := range map[string]struct {
		set  func(*Flags)
		want string
	}{
		"nothing":                 {func(*Flags) {}, ""},
		"no image":                {func(f *Flags) { f.Image = "" }, "--sidecar-image must be set"},
		"a blank image":           {func(f *Flags) { f.Image = " \t" }, "--sidecar-image must be set"},
		"a limit that is a word":  {func(f *Flags) { f.CPULimit = "much" }, `--sidecar-cpu-limit="much" is refused, allowed: a quantity above 0, such as 100m or 32Mi`},
		"a limit below 0":         {func(f *Flags) { f.MemoryLimit = "-1" }, `--sidecar-memory-limit="-1" is refused, allowed: a quantity above 0, such as 100m or 32Mi`},
		"a request of 0":          {func(f *Flags) { f.CPURequest = "0" }, `--sidecar-cpu-request="0" is refused, allowed: a quantity above 0, such as 100m or 32Mi`},
		"a limit below a request": {func(f *Flags) { f.CPULimit = "1m" }, `--sidecar-cpu-limit="1m" is refused, allowed: at least the request, 10m`},
	} {
		t.Run(what, func(t *testing.T) {
			var (
				f Flags
				r Reader
			)
			f.RegisterChart(pflag.NewFlagSet("", pflag.ContinueOnError))
			test.set(&f)
			f.Complete(&r)
			if err := errors.Join(r.Faults...); test.want == "" && err != nil || test.want != "" && (err == nil || err.Error() != test.want) {
				t.Errorf("it says: %v", err)
			}
		})
	}
}
