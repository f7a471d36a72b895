package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/cert"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/test/bench/report"
	"github.com/leaseholder-dev/leaseholder/test/contender"
	"github.com/leaseholder-dev/leaseholder/webhook"
)

const (
	// systemNamespace is the webhooks' namespace.
	systemNamespace = "leaseholder-system"
	// ownName is what everything of our webhook is called but its configuration,
	// idleName what is here of the other.
	ownName = "leaseholder-webhook"
	// ownUser is its account.
	ownUser          = "system:serviceaccount:" + systemNamespace + ":" + ownName
	ownConfiguration = "admission.leaseholder.dev"
	idleName         = "idle-webhook"
	// graceful is how long a webhook may take to end.
	graceful = 10 * time.Second
)

// hook is the running process of one webhook.
type hook struct {
	contestant string
	command    *exec.Cmd
}

func (h *hook) pid() int { return h.command.Process.Pid }

// stop ends the process, and waits for it.
func (h *hook) stop() error {
	if err := h.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end the webhook %s: %w", h.contestant, err)
	}
	if err := h.command.Wait(); err != nil {
		return fmt.Errorf("the webhook %s ended: %w", h.contestant, err)
	}
	return nil
}

// startHook starts a webhook, which is killed if ctx ends.
func startHook(ctx context.Context, contestant, path string, log, stdout io.Writer, env []string, args ...string) (*hook, error) {
	c := exec.CommandContext(ctx, path, args...)
	c.Env = append(os.Environ(), env...)
	c.Stderr, c.Stdout, c.WaitDelay = log, stdout, graceful
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("start the webhook %s: %w", contestant, err)
	}
	return &hook{contestant: contestant, command: c}, nil
}

// own is how Leaseholder's webhook is started.
type own struct {
	path  string
	ports [3]string
	env   []string
	log   io.Writer
}

// installOwn makes what Leaseholder's webhook needs beside its namespace and its Secret.
func installOwn(ctx context.Context, admin client.Client, kubeconfig, path string, log io.Writer) (own, error) {
	o := own{path: path, log: log}
	for i := range o.ports {
		var err error
		if o.ports[i], err = contender.FreePort(ctx); err != nil {
			return own{}, err
		}
	}
	if err := install(ctx, admin, ownName, ownConfiguration, o.ports[0], nil, report.Leaseholder); err != nil {
		return own{}, err
	}
	// The lock of one replica is the machine's, so that its UID must be its own.
	o.env = []string{
		"KUBECONFIG=" + kubeconfig, "POD_NAMESPACE=" + systemNamespace, "POD_NAME=" + ownName, "POD_UID=bench-" + o.ports[0],
	}
	return o, nil
}

// start starts the webhook with everything that it does, and waits until it says
// that it is ready.
func (o own) start(ctx context.Context) (*hook, error) {
	h, err := startHook(ctx, report.Leaseholder, o.path, o.log, nil, o.env,
		"--sidecar-image=sidecar:1", "--cloud-sidecar-image=cloud:1", "--webhook-configuration="+ownConfiguration, "--shutdown-delay=0s",
		"--webhook-port="+o.ports[0], "--health-port="+o.ports[1], "--metrics-port="+o.ports[2])
	if err != nil {
		return nil, err
	}
	ready := func() error { return ask(ctx, "http://127.0.0.1:"+o.ports[1]+"/readyz") }
	if err := until(ctx, "Leaseholder's webhook is ready", ready); err != nil {
		return nil, joined(err, h.stop())
	}
	return h, nil
}

// startIdle starts the webhook that does nothing; asked is closed when it is first
// asked.
func startIdle(ctx context.Context, admin client.Client, dir, path string, log io.Writer) (h *hook, asked <-chan struct{}, err error) {
	port, err := contender.FreePort(ctx)
	if err != nil {
		return nil, nil, err
	}
	certificate, key, err := cert.GenerateSelfSignedCertKey(idleName+"."+systemNamespace+".svc", nil, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("make a certificate: %w", err)
	}
	files := map[string][]byte{"idle.crt": certificate, "idle.key": key}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, nil, fmt.Errorf("write a certificate: %w", err)
		}
	}
	if err := install(ctx, admin, idleName, idleName, port, certificate, report.Idle); err != nil {
		return nil, nil, err
	}
	first := &firstWrite{done: make(chan struct{})}
	h, err = startHook(ctx, report.Idle, path, log, first, nil,
		"--port="+port, "--certificate="+filepath.Join(dir, "idle.crt"), "--key="+filepath.Join(dir, "idle.key"))
	return h, first.done, err
}

// firstWrite closes done at the first write.
type firstWrite struct {
	once sync.Once
	done chan struct{}
}

func (w *firstWrite) Write(p []byte) (int, error) {
	w.once.Do(func() { close(w.done) })
	return len(p), nil
}

// install makes what leads the API server to a webhook: as the chart does, but
// for its own namespace alone, and to this machine.
func install(ctx context.Context, admin client.Client, name, configuration, port string, bundle []byte, contestant string) error {
	var number int32
	if _, err := fmt.Sscan(port, &number); err != nil {
		return fmt.Errorf("read the port %q: %w", port, err)
	}
	objects := []client.Object{
		&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: name},
			Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"},
		},
		&admissionregistrationv1.MutatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: configuration},
			Webhooks: []admissionregistrationv1.MutatingWebhook{{
				Name: "pods.leaseholder.dev",
				ClientConfig: admissionregistrationv1.WebhookClientConfig{
					Service: &admissionregistrationv1.ServiceReference{
						Namespace: systemNamespace, Name: name, Path: new(webhook.Path), Port: &number,
					},
					CABundle: bundle,
				},
				SideEffects:             new(admissionregistrationv1.SideEffectClassNone),
				ReinvocationPolicy:      new(admissionregistrationv1.IfNeededReinvocationPolicy),
				AdmissionReviewVersions: []string{"v1"},
				// The longest that there is: a slow answer is measured, and no error.
				TimeoutSeconds:    new(int32(30)),
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespaceOf(contestant)}},
				MatchConditions: []admissionregistrationv1.MatchCondition{{
					Name:       "annotated",
					Expression: `object.metadata.?annotations.orValue({}).exists(k, k.startsWith('leaseholder.dev/'))`,
				}},
				Rules: []admissionregistrationv1.RuleWithOperations{{
					Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
					Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
				}},
			}},
		},
	}
	for _, o := range objects {
		if err := admin.Create(ctx, o); err != nil {
			return fmt.Errorf("install the webhook %s: %w", contestant, err)
		}
	}
	return nil
}

// namespaceOf is where pods are asked a contestant about.
func namespaceOf(contestant string) string { return "bench-" + contestant }

// ask is an HTTP GET that must be answered with 200.
func ask(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}

// until waits until ok says nothing more against it, and not longer than patience.
func until(ctx context.Context, what string, ok func() error) error {
	const glance = 50 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := ok()
		if err == nil {
			return nil
		}
		if pause(ctx, glance) != nil {
			return fmt.Errorf("wait until %s: %w", what, err)
		}
	}
}
