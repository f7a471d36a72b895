package main

import (
	"github.com/spf13/pflag"
)

// flags are the command line as it was written. All values are kept as words,
// so that one message can name everything that is wrong with them.
type flags struct {
	sidecarImage, sidecarPullPolicy          string
	sidecarCPURequest, sidecarCPULimit       string
	sidecarMemoryRequest, sidecarMemoryLimit string
	sidecarLogLevel                          string
	meshes                                   string

	webhookPort, healthPort, metricsPort string
	service, webhookConfiguration        string
	certificateSecret, certificates      string
	election                             string
	unusedAfter, shutdownDelay           string
	logLevel                             string
}

func (f *flags) register(set *pflag.FlagSet) {
	for _, o := range f.all() {
		set.StringVar(o.value, o.name, o.def, o.usage)
	}
}

// flagged is one flag.
type flagged struct {
	name, def, usage string
	value            *string
}

func (f *flags) all() []flagged {
	return []flagged{
		{"sidecar-image", "", "image of the sidecar (required)", &f.sidecarImage},
		{"sidecar-image-pull-policy", "", "Always, IfNotPresent or Never; the API server's default when empty", &f.sidecarPullPolicy},
		{"sidecar-cpu-request", "10m", "CPU request of a sidecar whose pod does not say otherwise", &f.sidecarCPURequest},
		{"sidecar-cpu-limit", "200m", "CPU limit of such a sidecar", &f.sidecarCPULimit},
		{"sidecar-memory-request", "32Mi", "memory request of such a sidecar", &f.sidecarMemoryRequest},
		{"sidecar-memory-limit", "64Mi", "memory limit of such a sidecar", &f.sidecarMemoryLimit},
		{"sidecar-log-level", "info", "least level that such a sidecar logs: debug, info, warn or error", &f.sidecarLogLevel},
		{"sidecar-meshes", "", "meshes that whole namespaces are in, comma-separated: " + meshNames(), &f.meshes},

		{"webhook-port", "9443", "TCP port of the admission webhook (HTTPS)", &f.webhookPort},
		{"health-port", "8081", "TCP port of /healthz and /readyz (HTTP)", &f.healthPort},
		{"metrics-port", "8080", "TCP port of /metrics (HTTP)", &f.metricsPort},
		{"service", "leaseholder-webhook", "name of the Service in front of the webhook, for which the certificate is made", &f.service},
		{"webhook-configuration", "admission.leaseholder.dev", "name of the MutatingWebhookConfiguration that has to trust the certificate, and of the ValidatingWebhookConfiguration", &f.webhookConfiguration},
		{"certificate-secret", "leaseholder-webhook-certificate", "name of the Secret that holds the certificate", &f.certificateSecret},
		{"certificates", selfManaged, "who keeps the certificate: " + selfManaged + ", or " + given + " when something else fills the Secret and the configuration", &f.certificates},
		{"election", "leaseholder-webhook", "name of the Lease by which the replicas elect the one that shows who leads", &f.election},
		{"unused-after", "1h", "how long an election's Lease and rights are kept when no pod uses them", &f.unusedAfter},
		{"shutdown-delay", "5s", "how long pods are still answered for after the order to end, until all API servers know", &f.shutdownDelay},
		{"log-level", "info", "least level that is logged: debug, info, warn or error", &f.logLevel},
	}
}

// Values of --certificates.
const (
	selfManaged = "self-managed"
	given       = "given"
)
