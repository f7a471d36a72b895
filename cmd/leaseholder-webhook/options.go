package main

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// options are what serve needs, checked.
type options struct {
	sidecar injector.Settings

	podName, podUID, namespace string
	kubeconfig                 string

	webhookPort, healthPort, metricsPort int
	service, webhookConfiguration        string
	certificateSecret                    string
	certificatesGiven                    bool
	election                             string
	unusedAfter, shutdownDelay           time.Duration
	logLevel                             slog.Level
}

// complete reads what the flags and the environment say. The error names every
// fault.
func (f *flags) complete(getenv func(string) string) (options, error) {
	var c completer
	o := options{
		sidecar: injector.Settings{
			Image: c.required("--sidecar-image", f.sidecarImage),
			ImagePullPolicy: corev1.PullPolicy(c.oneOf("--sidecar-image-pull-policy", f.sidecarPullPolicy,
				"", string(corev1.PullAlways), string(corev1.PullIfNotPresent), string(corev1.PullNever))),
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{
					corev1.ResourceCPU:    c.quantity("--sidecar-cpu-request", f.sidecarCPURequest),
					corev1.ResourceMemory: c.quantity("--sidecar-memory-request", f.sidecarMemoryRequest),
				},
				Limits: corev1.ResourceList{
					corev1.ResourceCPU:    c.quantity("--sidecar-cpu-limit", f.sidecarCPULimit),
					corev1.ResourceMemory: c.quantity("--sidecar-memory-limit", f.sidecarMemoryLimit),
				},
			},
			LogLevel: c.level("--sidecar-log-level", f.sidecarLogLevel),
		},
		podName:              c.required("POD_NAME", getenv("POD_NAME")),
		podUID:               c.required("POD_UID", getenv("POD_UID")),
		namespace:            c.required("POD_NAMESPACE", getenv("POD_NAMESPACE")),
		kubeconfig:           getenv("KUBECONFIG"),
		webhookPort:          c.port("--webhook-port", f.webhookPort),
		healthPort:           c.port("--health-port", f.healthPort),
		metricsPort:          c.port("--metrics-port", f.metricsPort),
		service:              c.label("--service", f.service),
		webhookConfiguration: c.required("--webhook-configuration", f.webhookConfiguration),
		certificateSecret:    c.required("--certificate-secret", f.certificateSecret),
		certificatesGiven:    c.oneOf("--certificates", f.certificates, selfManaged, given) == given,
		election:             c.label("--election", f.election),
		unusedAfter:          c.duration("--unused-after", f.unusedAfter, time.Second),
		shutdownDelay:        c.duration("--shutdown-delay", f.shutdownDelay, 0),
		logLevel:             c.level("--log-level", f.logLevel),
	}
	c.limits(o.sidecar.Resources)
	o.sidecar.Meshes = c.meshes("--sidecar-meshes", f.meshes)
	o.sidecar.APIServer = apiServer(getenv)
	return o, errors.Join(c.faults...)
}

// completer reads values and collects what is wrong with them.
type completer struct{ faults []error }

func (c *completer) refuse(name, value, allowed string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf("%s=%q is refused, allowed: %s", name, value, fmt.Sprintf(allowed, args...)))
}

func (c *completer) required(name, value string) string {
	if value == "" {
		c.faults = append(c.faults, fmt.Errorf("%s must be set", name))
	}
	return value
}

func (c *completer) label(name, value string) string {
	if !config.ValidElection(value) {
		c.refuse(name, value, config.ElectionAllowed)
	}
	return value
}

func (c *completer) oneOf(name, value string, allowed ...string) string {
	if !slices.Contains(allowed, value) {
		c.refuse(name, value, "%s", strings.Join(allowed, ", "))
	}
	return value
}

func (c *completer) level(name, value string) slog.Level {
	var l slog.Level
	if c.oneOf(name, value, config.LogLevels()...) == value {
		_ = l.UnmarshalText([]byte(value)) // the fault was told
	}
	return l
}

func (c *completer) port(name, value string) int {
	n, err := strconv.ParseUint(value, 10, 16)
	if err != nil || n == 0 {
		c.refuse(name, value, "1 to 65535")
	}
	return int(n)
}

func (c *completer) duration(name, value string, least time.Duration) time.Duration {
	d, err := time.ParseDuration(value)
	if err != nil || d < least {
		c.refuse(name, value, "a Go duration of at least %s", least)
	}
	return d
}

func (c *completer) quantity(name, value string) resource.Quantity {
	q, err := resource.ParseQuantity(value)
	if err != nil || q.Sign() <= 0 {
		c.refuse(name, value, "a quantity above 0, such as 100m or 32Mi")
	}
	return q
}

// limits refuses limits below the requests.
func (c *completer) limits(r corev1.ResourceRequirements) {
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		request, limit := r.Requests[name], r.Limits[name]
		if limit.Cmp(request) < 0 {
			c.refuse("--sidecar-"+string(name)+"-limit", limit.String(), "at least the request, %s", request.String())
		}
	}
}
