package acceptance

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/utils/ptr"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
	"github.com/leaseholder-dev/leaseholder/webhook"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

var cluster webhooktest.Cluster

func TestMain(m *testing.M) { os.Exit(webhooktest.Main(m, &cluster)) }

// serve runs the webhook until the test ends, or stop is called, with the settings of
// the golden cases and the chart's configuration, but for the address, and its policy.
func serve(t *testing.T, change ...func(webhooktest.Values)) (stop func()) {
	t.Helper()
	port := webhooktest.FreePort(t)
	certificate, authority := certificateOf(t)
	server := webhook.NewServer(port,
		func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate, nil },
		webhook.NewHandler(webhook.Options{
			Settings: injector.Settings{
				Image: injectortest.Image, ImagePullPolicy: injectortest.PullPolicy, Resources: injectortest.Resources(),
				CloudImage: injectortest.CloudImage, CloudImagePullPolicy: injectortest.CloudPullPolicy, CloudResources: injectortest.CloudResources(),
				APIServer: injectortest.APIServer(),
			},
			Leases:   webhook.KnownLeases{Own: cluster.Admin, All: cluster.Admin},
			Excluded: func(namespace string) bool { return view.Excluded(namespace, webhooktest.Namespace) },
			Logger:   slog.New(slog.DiscardHandler), // most cases are refused
		}))
	stop = webhooktest.Background(t, "webhook", server.Start)

	configuration := webhooktest.Chart(t, "mutatingwebhookconfiguration.yaml", &admissionregistrationv1.MutatingWebhookConfiguration{}, change...)
	for i := range configuration.Webhooks {
		to := &configuration.Webhooks[i].ClientConfig
		url := fmt.Sprintf("https://127.0.0.1:%d%s", port, ptr.Deref(to.Service.Path, ""))
		*to = admissionregistrationv1.WebhookClientConfig{URL: &url, CABundle: authority}
	}
	cluster.Install(t, configuration)
	cluster.Install(t, webhooktest.Chart(t, "podpolicy/validatingadmissionpolicy.yaml", &admissionregistrationv1.ValidatingAdmissionPolicy{}, change...))
	cluster.Install(t, webhooktest.Chart(t, "podpolicy/validatingadmissionpolicybinding.yaml", &admissionregistrationv1.ValidatingAdmissionPolicyBinding{}, change...))
	await(t)
	return stop
}

// await waits until the API server asks the webhook.
func await(t *testing.T) {
	t.Helper()
	p := newPlace(t, "awaits-"+strings.ReplaceAll(strings.ToLower(t.Name()), "/", "-"), nil, nil)
	pod := fmt.Appendf(nil, `{"metadata":{"name":"x","annotations":{%q:"true",%q:"x"}},"spec":{"containers":[{"name":"app","image":"app:1"}]}}`,
		injector.AnnotationInject, injector.AnnotationElection)
	webhooktest.Eventually(t, "the API server asks the webhook", func(ctx context.Context) error {
		got := p.create(ctx, pod, dryRun)
		if got.err == nil && !strings.Contains(string(got.raw), injectortest.Image) {
			return errors.New("there is no sidecar")
		}
		return got.err
	})
}

// certificateOf gives the loopback certificate of the standard library's own tests,
// with the authority that signed it.
func certificateOf(t *testing.T) (certificate *tls.Certificate, authority []byte) {
	t.Helper()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	return &s.TLS.Certificates[0], pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}
