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
	// ChartCloudImage is that of a sidecar whose lock is outside the cluster.
	ChartCloudImage = "ghcr.io/leaseholder-dev/leaseholder-sidecar-cloud:0.1.0"
	// ChartPullPolicy says when they are pulled.
	ChartPullPolicy = corev1.PullIfNotPresent
)

// Flags are the command line as it was written. All values are kept as words, so
// that one message can name everything that is wrong with them.
type Flags struct {
	// Container is the sidecar whose lock is in the cluster, Cloud the other one.
	Container
	Cloud    Container
	LogLevel string
	Meshes   string
}

// Container is what differs between the two programs.
type Container struct {
	Image, PullPolicy          string
	CPURequest, CPULimit       string
	MemoryRequest, MemoryLimit string
}

// Flag is one flag.
type Flag struct {
	Name, Default, Usage string
	Value                *string
}

// The flags that callers have defaults of their own for.
const (
	FlagImage           = "sidecar-image"
	FlagPullPolicy      = "sidecar-image-pull-policy"
	FlagCloudImage      = "cloud-" + FlagImage
	FlagCloudPullPolicy = "cloud-" + FlagPullPolicy
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
		{FlagCloudImage, "", "image of a sidecar whose lock is outside the cluster (required)", &f.Cloud.Image},
		{FlagCloudPullPolicy, "", "when that is pulled, as of the other", &f.Cloud.PullPolicy},
		{"cloud-sidecar-cpu-request", "10m", "CPU request of a sidecar of that image whose pod does not say otherwise", &f.Cloud.CPURequest},
		{"cloud-sidecar-cpu-limit", "200m", "CPU limit of such a sidecar", &f.Cloud.CPULimit},
		{"cloud-sidecar-memory-request", "48Mi", "memory request of such a sidecar", &f.Cloud.MemoryRequest},
		{"cloud-sidecar-memory-limit", "96Mi", "memory limit of such a sidecar", &f.Cloud.MemoryLimit},
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
		case FlagCloudImage:
			o.Default, o.Usage = ChartCloudImage, "image of a sidecar whose lock is outside the cluster, the same as there"
		case FlagPullPolicy, FlagCloudPullPolicy:
			o.Default = string(ChartPullPolicy)
		}
		set.StringVar(o.Value, o.Name, o.Default, o.Usage)
	}
}

// SetChart sets every flag to its default, and the images to the chart's.
func (f *Flags) SetChart() {
	for _, o := range f.All() {
		*o.Value = o.Default
	}
	f.Image, f.Cloud.Image = ChartImage, ChartCloudImage
}

// Complete reads what the flags say. The reader collects every fault.
func (f *Flags) Complete(r *Reader) injector.Settings {
	s := injector.Settings{
		LogLevel: r.Level("--sidecar-log-level", f.LogLevel),
		Meshes:   r.Meshes("--sidecar-meshes", f.Meshes),
	}
	s.Image, s.ImagePullPolicy, s.Resources = f.complete(r, "--sidecar-")
	s.CloudImage, s.CloudImagePullPolicy, s.CloudResources = f.Cloud.complete(r, "--cloud-sidecar-")
	return s
}

// complete reads what is said of one of the programs, by flags that begin with prefix.
func (c *Container) complete(r *Reader, prefix string) (image string, policy corev1.PullPolicy, resources corev1.ResourceRequirements) {
	image = r.Required(prefix+"image", c.Image)
	policy = corev1.PullPolicy(r.OneOf(prefix+"image-pull-policy", c.PullPolicy,
		"", string(corev1.PullAlways), string(corev1.PullIfNotPresent), string(corev1.PullNever)))
	resources = corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU:    r.Quantity(prefix+"cpu-request", c.CPURequest),
			corev1.ResourceMemory: r.Quantity(prefix+"memory-request", c.MemoryRequest),
		},
		Limits: corev1.ResourceList{
			corev1.ResourceCPU:    r.Quantity(prefix+"cpu-limit", c.CPULimit),
			corev1.ResourceMemory: r.Quantity(prefix+"memory-limit", c.MemoryLimit),
		},
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		request, limit := resources.Requests[name], resources.Limits[name]
		if limit.Sign() > 0 && limit.Cmp(request) < 0 {
			r.Refuse(prefix+string(name)+"-limit", limit.String(), "at least the request, %s", request.String())
		}
	}
	return image, policy, resources
}
