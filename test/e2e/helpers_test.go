package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/leaseholder-dev/leaseholder/sidecar/api"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/test/product"
)

// space is a namespace of one test, deleted after it and told of if it fails.
type space struct {
	*testing.T
	site
	name string
	ctx  context.Context
}

// site is one cluster with the product on it.
type site struct {
	prod   product.Product
	client kubernetes.Interface
}

func newSpace(t *testing.T) *space {
	t.Helper()
	return spaceFor(t, lifetime)
}

// spaceFor is newSpace for a test that may take longer.
func spaceFor(t *testing.T, long time.Duration) *space {
	t.Helper()
	return site{prod, client}.space(t, long)
}

func (at site) space(t *testing.T, long time.Duration) *space {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	t.Cleanup(cancel)
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := at.client.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
		t.Fatalf("create namespace: %v", err)
	}
	s := &space{T: t, site: at, name: name, ctx: ctx}
	t.Cleanup(func() {
		clean, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if t.Failed() {
			at.report(clean, os.Stderr, name)
			at.report(clean, os.Stderr, product.Namespace)
		}
		if err := at.client.CoreV1().Namespaces().Delete(clean, name, metav1.DeleteOptions{}); err != nil {
			t.Errorf("delete namespace: %v", err)
		}
	})
	s.eventually("the default service account", func() error {
		_, err := at.client.CoreV1().ServiceAccounts(name).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
	return s
}

// report prints what explains a failure.
func (at site) report(ctx context.Context, w io.Writer, namespace string) {
	for _, args := range [][]string{
		{"get", "pods,leases,rolebindings", "-o", "wide"},
		{"get", "events", "--sort-by=.lastTimestamp"},
		{"get", "pods", "-o", "yaml"},
	} {
		out, err := at.prod.Kubectl(ctx, append([]string{"-n", namespace}, args...)...)
		fmt.Fprintln(w, out, err)
	}
	pods, err := at.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		fmt.Fprintln(w, err)
		return
	}
	for _, p := range pods.Items {
		out, err := at.prod.Kubectl(ctx, "-n", namespace, "logs", p.Name, "--all-containers", "--prefix", "--tail=80")
		fmt.Fprintln(w, out, err)
	}
}

// eventually waits until what holds, and fails with its last error.
func (s *space) eventually(what string, holds func() error) {
	s.Helper()
	var last error
	err := wait.PollUntilContextCancel(s.ctx, 50*time.Millisecond, true, func(context.Context) (bool, error) {
		last = holds()
		return last == nil, nil
	})
	if err != nil {
		s.Fatalf("%s: %v, last: %v", what, err, last)
	}
}

func (s *space) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// apply applies a file or folder of the checkout.
func (s *space) apply(path string) {
	s.Helper()
	_, err := s.prod.Kubectl(s.ctx, "-n", s.name, "apply", "-f", path)
	s.must(err)
}

// manifest applies a manifest that a test has written.
func (s *space) manifest(text string) {
	s.Helper()
	path := s.TempDir() + "/manifest.yaml"
	s.must(os.WriteFile(path, []byte(text), 0o600))
	s.apply(path)
}

// rolledOut waits for a workload as `kubectl rollout status` does.
func (s *space) rolledOut(workload string) {
	s.Helper()
	_, err := s.prod.Kubectl(s.ctx, "-n", s.name, "rollout", "status", workload, "--timeout", patience.String())
	s.must(err)
}

// history begins to record an election.
func (s *space) history(election string) *product.History {
	return product.Record(s.ctx, s.client, s.name, election)
}

// await waits for a state of the lock.
func (s *space) await(h *product.History, from int, wanted func(product.Entry) bool) product.Entry {
	s.Helper()
	e, err := h.Await(s.ctx, from, wanted)
	s.must(err)
	return e
}

// now is how the lock stands: on a busy machine, who was first to lead may have lost
// the lead before all others had started.
func (s *space) now(h *product.History) product.Entry {
	s.Helper()
	e, err := h.Now(s.ctx)
	s.must(err)
	return e
}

// pods are an application's pods that are not being deleted.
func (s *space) pods(app string) []corev1.Pod {
	s.Helper()
	list, err := s.client.CoreV1().Pods(s.name).List(s.ctx, metav1.ListOptions{LabelSelector: labels.Set{"app": app}.String()})
	s.must(err)
	var living []corev1.Pod
	for _, p := range list.Items {
		if p.DeletionTimestamp == nil {
			living = append(living, p)
		}
	}
	return living
}

func (s *space) pod(name string) *corev1.Pod {
	s.Helper()
	p, err := s.client.CoreV1().Pods(s.name).Get(s.ctx, name, metav1.GetOptions{})
	s.must(err)
	return p
}

// identity is a holder of ours.
func (s *space) identity(e product.Entry) lock.Identity {
	s.Helper()
	id, ok := lock.ParseIdentity(e.Holder)
	if !ok {
		s.Fatalf("the holder %q is not one of ours", e.Holder)
	}
	return id
}

// labelled waits until the role labels of an application's pods name that
// leader and no other.
func (s *space) labelled(app, leader string) {
	s.Helper()
	s.eventually("role labels", func() error {
		roles := map[string]string{}
		for _, p := range s.pods(app) {
			want := "standby"
			if p.Name == leader {
				want = "leader"
			}
			if got := p.Labels["leaseholder.dev/role"]; got != want {
				return fmt.Errorf("pod %s has the role %q, want %q", p.Name, got, want)
			}
			roles[p.Name] = want
		}
		if roles[leader] == "" {
			return fmt.Errorf("pod %s is not there", leader)
		}
		return nil
	})
}

// ask sends one request and gives the answer's body.
func (s *space) ask(target string) (string, error) {
	request, err := http.NewRequestWithContext(s.ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return "", err
	}
	// Each request takes a connection of its own, so that none sticks to a pod.
	request.Close = true
	direct := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		Proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
	}}
	response, err := direct.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return strings.TrimSpace(string(body)), err
}

// leaderDocument is what a pod's own local API says.
func (s *space) leaderDocument(p *corev1.Pod) (api.Document, error) {
	var d api.Document
	body, err := s.ask("http://" + p.Status.PodIP + ":8080/leaseholder/leader")
	if err != nil {
		return d, err
	}
	err = json.Unmarshal([]byte(body), &d)
	return d, err
}

// answeredBy waits until many requests in a row to a Service were all answered
// by the one pod.
func (s *space) answeredBy(service, pod string) {
	s.Helper()
	const requests = 20
	found, err := s.client.CoreV1().Services(s.name).Get(s.ctx, service, metav1.GetOptions{})
	s.must(err)
	s.eventually("answers of the service "+service, func() error {
		for range requests {
			body, err := s.ask("http://" + found.Spec.ClusterIP)
			if err != nil {
				return err
			}
			if body != pod {
				return fmt.Errorf("%s answered, want %s", body, pod)
			}
		}
		return nil
	})
}
