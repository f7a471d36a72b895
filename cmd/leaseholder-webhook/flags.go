package main

import (
	"github.com/spf13/pflag"

	"github.com/leaseholder-dev/leaseholder/cmd/internal/settings"
)

// flags are the command line as it was written. All values are kept as words,
// so that one message can name everything that is wrong with them.
type flags struct {
	sidecar settings.Flags

	webhookPort, healthPort, metricsPort string
	service, webhookConfiguration        string
	certificateSecret, certificates      string
	election, rights                     string
	unusedAfter, shutdownDelay           string
	logLevel                             string
}

func (f *flags) register(set *pflag.FlagSet) {
	for _, o := range f.all() {
		set.StringVar(o.Value, o.Name, o.Default, o.Usage)
	}
}

// flagged is one flag.
type flagged settings.Flag

func (f *flags) all() []flagged {
	var all []flagged
	for _, shared := range f.sidecar.All() {
		all = append(all, flagged(shared))
	}
	return append(all, []flagged{
		{"webhook-port", "9443", "TCP port of the admission webhook (HTTPS)", &f.webhookPort},
		{"health-port", "8081", "TCP port of /healthz and /readyz (HTTP)", &f.healthPort},
		{"metrics-port", "8080", "TCP port of /metrics (HTTP)", &f.metricsPort},
		{"service", "leaseholder-webhook", "name of the Service in front of the webhook, for which the certificate is made", &f.service},
		{"webhook-configuration", "admission.leaseholder.dev", "name of the MutatingWebhookConfiguration that has to trust the certificate, and of the ValidatingWebhookConfiguration", &f.webhookConfiguration},
		{"certificate-secret", "leaseholder-webhook-certificate", "name of the Secret that holds the certificate", &f.certificateSecret},
		{"certificates", selfManaged, "who keeps the certificate: " + selfManaged + ", or " + given + " when something else fills the Secret and the configuration", &f.certificates},
		{"election", "leaseholder-webhook", "name of the Lease by which the replicas elect the one that shows who leads", &f.election},
		{"rights", managed, "who makes the elections' Leases and the rights to them: " + managed + ", or " + none + " when an administrator does, with kubectl leaseholder rbac", &f.rights},
		{"unused-after", "1h", "how long an election's Lease and rights are kept when no pod uses them", &f.unusedAfter},
		{"shutdown-delay", "5s", "how long pods are still answered for after the order to end, until all API servers know", &f.shutdownDelay},
		{"log-level", "info", "least level that is logged: debug, info, warn or error", &f.logLevel},
	}...)
}

// Values of --certificates.
const (
	selfManaged = "self-managed"
	given       = "given"
)

// Values of --rights.
const (
	managed = "managed"
	none    = "none"
)
