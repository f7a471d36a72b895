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
	type (
		image     struct{ Repository, PullPolicy string }
		resources struct{ Requests, Limits struct{ CPU, Memory string } }
	)
	var values struct {
		Sidecar struct {
			Image, CloudImage         image
			Resources, CloudResources resources
			LogLevel                  string
			Meshes                    []string
		}
	}
	read(t, "values.yaml", &values)

	var f Flags
	f.RegisterChart(pflag.NewFlagSet("", pflag.ContinueOnError))
	s := values.Sidecar
	container := func(i image, r resources) Container {
		return Container{
			Image: i.Repository + ":" + chart.AppVersion, PullPolicy: i.PullPolicy,
			CPURequest: r.Requests.CPU, CPULimit: r.Limits.CPU,
			MemoryRequest: r.Requests.Memory, MemoryLimit: r.Limits.Memory,
		}
	}
	want := Flags{
		Container: container(s.Image, s.Resources), Cloud: container(s.CloudImage, s.CloudResources),
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
		"nothing":                           {func(*Flags) {}, ""},
		"no image":                          {func(f *Flags) { f.Image = "" }, "--sidecar-image must be set"},
		"a blank image":                     {func(f *Flags) { f.Image = " \t" }, "--sidecar-image must be set"},
		"a limit that is a word":            {func(f *Flags) { f.CPULimit = "much" }, `--sidecar-cpu-limit="much" is refused, allowed: a quantity above 0, such as 100m or 32Mi`},
		"a limit below 0":                   {func(f *Flags) { f.MemoryLimit = "-1" }, `--sidecar-memory-limit="-1" is refused, allowed: a quantity above 0, such as 100m or 32Mi`},
		"a request of 0":                    {func(f *Flags) { f.CPURequest = "0" }, `--sidecar-cpu-request="0" is refused, allowed: a quantity above 0, such as 100m or 32Mi`},
		"no image of the cloud's":           {func(f *Flags) { f.Cloud.Image = "" }, "--cloud-sidecar-image must be set"},
		"a pull policy of nobody's":         {func(f *Flags) { f.Cloud.PullPolicy = "Often" }, `--cloud-sidecar-image-pull-policy="Often" is refused, allowed: , Always, IfNotPresent, Never`},
		"a limit below the cloud's request": {func(f *Flags) { f.Cloud.MemoryLimit = "1Mi" }, `--cloud-sidecar-memory-limit="1Mi" is refused, allowed: at least the request, 48Mi`},
		"a limit below a request":           {func(f *Flags) { f.CPULimit = "1m" }, `--sidecar-cpu-limit="1m" is refused, allowed: at least the request, 10m`},
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
