package settings

import (
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
