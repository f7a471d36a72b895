package attacks

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
	"slices"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
	"github.com/leaseholder-dev/leaseholder/webhook"
	"github.com/leaseholder-dev/leaseholder/webhook/event"
	"github.com/leaseholder-dev/leaseholder/webhook/grants"
	"github.com/leaseholder-dev/leaseholder/webhook/roles"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

var cluster webhooktest.Cluster

func TestMain(m *testing.M) { os.Exit(webhooktest.Main(m, &cluster)) }

// quiet is for what is refused by the dozen.
var quiet = slog.New(slog.DiscardHandler)

// serve runs what the webhook's process runs, with its account, until the test ends: it
// answers for pods, grants rights and shows who leads.
func serve(t *testing.T) {
	t.Helper()
	cache := cluster.Cache(t)
	teller := event.Teller{Client: cluster.Client, Instance: "attacked", Logger: quiet}
	webhooktest.Background(t, "grants", grants.New(grants.Options{
		Cache: cache, Client: cluster.Client, Teller: teller, Namespace: webhooktest.Namespace, UnusedAfter: time.Hour, Logger: quiet,
	}).Run)
	webhooktest.Background(t, "roles", roles.New(roles.Options{
		Cache: cache, Client: cluster.Client, Teller: teller, Namespace: webhooktest.Namespace, Logger: quiet,
	}).Run)
	port := webhooktest.FreePort(t)
	certificate, authority := certificateOf(t)
	server := webhook.NewServer(port,
		func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate, nil },
		webhook.NewHandler(webhook.Options{
			Settings: injector.Settings{
				Image: injectortest.Image, ImagePullPolicy: injectortest.PullPolicy, Resources: injectortest.Resources(),
				CloudImage: injectortest.CloudImage, CloudImagePullPolicy: injectortest.CloudPullPolicy, CloudResources: injectortest.CloudResources(),
			},
			Leases:    webhook.KnownLeases{Own: cache, All: cluster.Client},
			Elections: webhook.KnownElections{Cache: cache},
			Excluded:  func(namespace string) bool { return view.Excluded(namespace, webhooktest.Namespace) },
			Logger:    quiet,
		}))
	webhooktest.Background(t, "webhook", server.Start)

	configuration := webhooktest.Chart(t, "mutatingwebhookconfiguration.yaml", &admissionregistrationv1.MutatingWebhookConfiguration{})
	for i := range configuration.Webhooks {
		to := &configuration.Webhooks[i].ClientConfig
		url := fmt.Sprintf("https://127.0.0.1:%d%s", port, ptr.Deref(to.Service.Path, ""))
		*to = admissionregistrationv1.WebhookClientConfig{URL: &url, CABundle: authority}
	}
	cluster.Install(t, configuration)
	cluster.Install(t, webhooktest.Chart(t, "podpolicy/validatingadmissionpolicy.yaml", &admissionregistrationv1.ValidatingAdmissionPolicy{}))
	cluster.Install(t, webhooktest.Chart(t, "podpolicy/validatingadmissionpolicybinding.yaml", &admissionregistrationv1.ValidatingAdmissionPolicyBinding{}))

	n := cluster.NewNamespace(t)
	webhooktest.Eventually(t, "the API server asks the webhook", func(ctx context.Context) error {
		pod := annotated(n, "awaited", "awaited")
		err := cluster.Admin.Create(ctx, pod, client.DryRunAll)
		if err == nil && !injected(pod) {
			err = errors.New("there is no sidecar")
		}
		return err
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

// annotated is a pod that asks for the sidecar, in an election of this name.
func annotated(namespace, name, election string, change ...func(*corev1.Pod)) *corev1.Pod {
	pod := webhooktest.Pod(namespace, name)
	pod.Annotations = map[string]string{injector.AnnotationInject: "true", injector.AnnotationElection: election}
	for _, f := range change {
		f(pod)
	}
	return pod
}

func injected(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool { return c.Image == injectortest.Image })
}
