package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/test/product"
)

// What the kernel calls the processes, and their user.
const (
	sidecarProgram = "leaseholder-sid 65532"
	peerProgram    = "standin 65532"
)

// attacker is an injected pod whose containers look around: one of the sidecar's own
// user, one of another image's user, and root.
func attacker(name string, share bool) *corev1.Pod {
	p := annotatedPod(name)
	p.Spec.ShareProcessNamespace = &share
	p.Spec.AutomountServiceAccountToken = new(false)
	p.Spec.Containers[0].Args = []string{"-listen=:8080"}
	peer := p.Spec.Containers[0].DeepCopy()
	peer.Name, peer.Args = "peer", []string{"-listen=:8082"}
	root := p.Spec.Containers[0].DeepCopy()
	root.Name, root.Args = "root", []string{"-listen=:8083"}
	root.SecurityContext = &corev1.SecurityContext{RunAsUser: new(int64(0))}
	p.Spec.Containers = append(p.Spec.Containers, *peer, *root)
	return p
}

// running makes a pod and waits until it is ready.
func (s *space) running(p *corev1.Pod) *corev1.Pod {
	s.Helper()
	_, err := client.CoreV1().Pods(s.name).Create(s.ctx, p, metav1.CreateOptions{})
	s.must(err)
	s.eventually("pod "+p.Name, func() error {
		now, err := client.CoreV1().Pods(s.name).Get(s.ctx, p.Name, metav1.GetOptions{})
		if err == nil && !ready(now) {
			err = errors.New("not ready")
		}
		p = now
		return err
	})
	return p
}

// look is what a container sees, by program and by what was tried.
func (s *space) look(p *corev1.Pod, port int) map[string]map[string]string {
	s.Helper()
	var seen map[string]map[string]string
	s.eventually("a look around", func() error {
		body, err := s.ask("http://" + net.JoinHostPort(p.Status.PodIP, strconv.Itoa(port)) + "/look")
		if err != nil {
			return err
		}
		return json.Unmarshal([]byte(body), &seen)
	})
	return seen
}

func TestTheApplicationCantReadTheSidecar(t *testing.T) {
	s := newSpace(t)
	p := s.running(attacker("shared", true))
	for _, c := range p.Spec.Containers {
		for _, m := range c.VolumeMounts {
			t.Errorf("container %q mounts %q at %q", c.Name, m.Name, m.MountPath)
		}
	}
	for who, port := range map[string]int{"the same user": 8080, "root": 8083} {
		seen := s.look(p, port)
		sidecar, found := seen[sidecarProgram]
		if !found {
			t.Fatalf("%s does not see the sidecar among %v", who, seen)
		}
		for what, outcome := range sidecar {
			if !strings.Contains(outcome, "permission denied") {
				t.Errorf("%s tries the sidecar's %s: %s", who, what, outcome)
			}
		}
		if seen[""]["token"] == "open" {
			t.Errorf("%s has a token of its own, which nobody gave it", who)
		}
	}
	// That it is the sidecar's doing shows another process of the same user.
	if peer := s.look(p, 8080)[peerProgram]; peer["environment"] != "open" || peer["files"] != "open" || peer["memory"] != "open" {
		t.Errorf("another process of the same user: %v", peer)
	}

	alone := s.running(attacker("alone", false))
	if seen := s.look(alone, 8080); len(seen) != 1 {
		t.Errorf("without shared processes, others are seen: %v", seen)
	}
}

func TestAContainerThatMountsTheSidecarsTokenIsRefused(t *testing.T) {
	s := newSpace(t)
	p := annotatedPod("thief")
	p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "leaseholder-token", MountPath: "/stolen"}}
	if _, err := dryRun(s, p); err == nil || !strings.Contains(err.Error(), `spec.containers[0].volumeMounts[0].name="leaseholder-token"`) {
		t.Errorf("the answer is %v", err)
	}
}

// TestTheLocalAPIIsThePodsOwn tries from another pod what the sidecar's ports answer.
func TestTheLocalAPIIsThePodsOwn(t *testing.T) {
	s := newSpace(t)
	h, first := deployed(s)
	leader := s.pod(s.identity(first).Pod)
	stranger := plainPod("stranger")
	stranger.Spec.Containers[0].Args = []string{"-listen=:8080"}
	from := s.running(stranger)
	ask := func(method, port, path string) string {
		t.Helper()
		form := url.Values{"method": {method}, "url": {"http://" + leader.Status.PodIP + ":" + port + path}}
		var body string
		s.eventually("the other pod's question", func() (err error) {
			body, err = s.ask("http://" + from.Status.PodIP + ":8080/ask?" + form.Encode())
			return err
		})
		return body
	}
	for _, c := range []struct{ method, path string }{{"GET", "/"}, {"GET", "/leader"}, {"POST", "/step-down"}} {
		if body := ask(c.method, "4040", c.path); !strings.Contains(body, "connection refused") {
			t.Errorf("%s %s on the local API's port: %s", c.method, c.path, body)
		}
	}
	for _, c := range []struct{ method, path, code string }{
		{"GET", "/livez", "200"},
		{"GET", "/readyz", "200"},
		{"GET", "/startz", "200"},
		{"GET", "/metrics", "200"},
		{"GET", "/", "404"},
		{"GET", "/leader", "404"},
		{"GET", "/debug/pprof/", "404"},
		{"POST", "/step-down", "404"},
		{"POST", "/livez", "405"},
		{"DELETE", "/metrics", "405"},
		{"POST", "/prestop?grace=0", "405"},
		// What the kubelet says when it ends a pod: whoever says it too makes the lock run
		// out at the pod's end, where it would have been released.
		{"GET", "/prestop?grace=0", "200"},
	} {
		if body := ask(c.method, "4041", c.path); !strings.HasPrefix(body, c.code+"\n") && body != c.code {
			t.Errorf("%s %s on the probe port: %s, want %s", c.method, c.path, body, c.code)
		}
	}
	if body := ask("GET", "4041", "/metrics"); !strings.Contains(body, `leaseholder_is_leader{election="`+orders+`"} 1`) {
		t.Errorf("the metrics say %s", body)
	}
	if now := s.now(h); now.Holder != first.Holder || now.Token != first.Token {
		t.Errorf("after all that %+v leads, before it was %+v", now, first)
	}
}

// TestTheChartsPodsAreRestricted finds them running where the strictest level of Pod
// Security is enforced. TestHelmTest has the pod of the self-test there.
func TestTheChartsPodsAreRestricted(t *testing.T) {
	s := newSpace(t)
	_, err := client.CoreV1().Pods(product.Namespace).Create(s.ctx, plainPod("loose"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err == nil || !strings.Contains(err.Error(), `violates PodSecurity "restricted:`) {
		t.Fatalf("a pod that says nothing of its security: %v", err)
	}
	s.eventually("the webhook's pods", func() error {
		pods := webhookPods(s)
		if len(pods) != 2 {
			return fmt.Errorf("%d pods", len(pods))
		}
		return nil
	})
	for _, p := range webhookPods(s) {
		for _, c := range p.Spec.Containers {
			if own := c.SecurityContext; own.ReadOnlyRootFilesystem == nil || !*own.ReadOnlyRootFilesystem {
				t.Errorf("container %q of pod %q can write its file system", c.Name, p.Name)
			}
		}
		for _, v := range p.Spec.Volumes {
			if v.Projected == nil {
				t.Errorf("pod %q has the volume %q beside its token", p.Name, v.Name)
			}
		}
		if p.Spec.Priority == nil || *p.Spec.Priority != 1000000000 {
			t.Errorf("pod %q has the priority %v", p.Name, p.Spec.Priority)
		}
	}
}

// everything switches on what is off by default.
const everything = `
webhook:
  clientCA: |
    -----BEGIN CERTIFICATE-----
    MIIB
    -----END CERTIFICATE-----
networkPolicy:
  enabled: true
  webhook: {cidrs: [192.0.2.0/28, "2001:db8::/64"]}
  metrics: {from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]}
  apiServer: {cidrs: [192.0.2.1/32]}
  dns: true
`

// TestTheAPIServerTakesAllThatTheChartCanMake tries the objects that are off by default.
// That a network policy is enforced is the network's affair, and this
// cluster's has none.
func TestTheAPIServerTakesAllThatTheChartCanMake(t *testing.T) {
	s := newSpace(t)
	values := s.TempDir() + "/values.yaml"
	s.must(os.WriteFile(values, []byte(everything), 0o600))
	rendered, err := prod.Helm(s.ctx, "template", product.Release, "charts/leaseholder", "--namespace", product.Namespace, "--no-hooks", "--values", values)
	s.must(err)
	path := s.TempDir() + "/chart.yaml"
	s.must(os.WriteFile(path, []byte(rendered), 0o600))
	out, err := prod.Kubectl(s.ctx, "apply", "--dry-run=server", "-f", path)
	s.must(err)
	for _, made := range []string{"networkpolicy.networking.k8s.io/leaseholder-webhook", "networkpolicy.networking.k8s.io/leaseholder-selftest"} {
		if !strings.Contains(out, made) {
			t.Errorf("no %s in\n%s", made, out)
		}
	}
}
