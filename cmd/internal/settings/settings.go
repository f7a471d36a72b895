// Package settings is the part of a command line by which an administrator says
// what is put into pods. The webhook and "kubectl leaseholder inject" share it,
// so that the same flags and defaults give the same sidecar.
package settings

import (
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
)

// What the chart of this version sets, where nobody says otherwise.
const (
	// ChartImage is the sidecar's image.
	ChartImage = "ghcr.io/leaseholder-dev/leaseholder-sidecar:0.1.0"
	// ChartPullPolicy says when it is pulled.
	ChartPullPolicy = corev1.PullIfNotPresent
)

// Flags are the command line as it was written. All values are kept as words, so
// that one message can name everything that is wrong with them.
type Flags struct {
	Image, PullPolicy          string
	CPURequest, CPULimit       string
	MemoryRequest, MemoryLimit string
	LogLevel                   string
	Meshes                     string
}

// Flag is one flag.
type Flag struct {
	Name, Default, Usage string
	Value                *string
}

// The flags that callers have defaults of their own for.
const (
	FlagImage      = "sidecar-image"
	FlagPullPolicy = "sidecar-image-pull-policy"
)

// All lists the flags.
func (f *Flags) All() []Flag {
	return []Flag{
		{FlagImage, "", "image of the sidecar (required)", &f.Image},
		{FlagPullPolicy, "", "Always, IfNotPresent or Never; the API server's default when empty", &f.PullPolicy},
		{"sidecar-cpu-request", "10m", "CPU request of a sidecar whose pod does not say otherwise", &f.CPURequest},
		{"sidecar-cpu-limit", "200m", "CPU limit of such a sidecar", &f.CPULimit},
		{"sidecar-memory-request", "32Mi", "memory request of such a sidecar", &f.MemoryRequest},
		{"sidecar-memory-limit", "64Mi", "memory limit of such a sidecar", &f.MemoryLimit},
		{"sidecar-log-level", "info", "least level that such a sidecar logs: debug, info, warn or error", &f.LogLevel},
		{"sidecar-meshes", "", "meshes that whole namespaces are in, comma-separated: " + meshNames(), &f.Meshes},
	}
}

// RegisterChart registers the flags with the chart's defaults.
func (f *Flags) RegisterChart(set *pflag.FlagSet) {
	for _, o := range f.All() {
		switch o.Name {
		case FlagImage:
			o.Default, o.Usage = ChartImage, "image of the sidecar, the same as in the cluster"
		case FlagPullPolicy:
			o.Default = string(ChartPullPolicy)
		}
		set.StringVar(o.Value, o.Name, o.Default, o.Usage)
	}
}

// Complete reads what the flags say. The reader collects every fault.
func (f *Flags) Complete(r *Reader) injector.Settings {
	s := injector.Settings{
		Image: r.Required("--"+FlagImage, f.Image),
		ImagePullPolicy: corev1.PullPolicy(r.OneOf("--"+FlagPullPolicy, f.PullPolicy,
			"", string(corev1.PullAlways), string(corev1.PullIfNotPresent), string(corev1.PullNever))),
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{
				corev1.ResourceCPU:    r.Quantity("--sidecar-cpu-request", f.CPURequest),
				corev1.ResourceMemory: r.Quantity("--sidecar-memory-request", f.MemoryRequest),
			},
			Limits: corev1.ResourceList{
				corev1.ResourceCPU:    r.Quantity("--sidecar-cpu-limit", f.CPULimit),
				corev1.ResourceMemory: r.Quantity("--sidecar-memory-limit", f.MemoryLimit),
			},
		},
		LogLevel: r.Level("--sidecar-log-level", f.LogLevel),
		Meshes:   r.Meshes("--sidecar-meshes", f.Meshes),
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		request, limit := s.Resources.Requests[name], s.Resources.Limits[name]
		if limit.Sign() > 0 && limit.Cmp(request) < 0 {
			r.Refuse("--sidecar-"+string(name)+"-limit", limit.String(), "at least the request, %s", request.String())
		}
	}
	return s
}
