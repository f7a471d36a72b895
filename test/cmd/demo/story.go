package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/test/cluster"
	"github.com/leaseholder-dev/leaseholder/test/product"
)

const (
	namespace = "default"
	election  = "deployment-orders"
	// patience bounds every wait; a demo that takes longer has failed.
	patience = 3 * time.Minute
)

// story is the demo's plot.
type story struct {
	*teller
	product.Product
	client  kubernetes.Interface
	history *product.History
	leader  product.Entry
}

func newStory(t *teller, root string, c *cluster.Cluster) (*story, error) {
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	return &story{teller: t, Product: product.Product{Root: root, Cluster: c}, client: client}, nil
}

func (s *story) tell(ctx context.Context) error {
	for _, chapter := range []func(context.Context) error{
		s.install, s.deploy, s.service, s.deletePod, s.killProcess, s.killNode, s.status,
	} {
		if err := within(ctx, chapter); err != nil {
			return err
		}
	}
	return nil
}

func within(ctx context.Context, chapter func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("it took longer than %s", patience))
	defer cancel()
	return chapter(ctx)
}

func (s *story) install(ctx context.Context) error {
	s.stepf("Leaseholder is installed with Helm, from images that were built from this checkout.")
	if err := s.LoadImages(ctx); err != nil {
		return err
	}
	command := product.InstallCommand()
	out, err := s.Helm(ctx, append(command, "--wait")...)
	if err != nil {
		return err
	}
	s.command("helm "+strings.Join(command, " "), head(out, 5))
	return nil
}

func (s *story) deploy(ctx context.Context) error {
	s.stepf("A Deployment of three replicas with one annotation, leaseholder.dev/inject: \"true\".")
	s.history = product.Record(context.WithoutCancel(ctx), s.client, namespace, election)
	begun := time.Now()
	if err := s.kubectl(ctx, "apply", "-f", "examples/deployment"); err != nil {
		return err
	}
	leader, err := s.history.Await(ctx, 0, product.Held)
	if err != nil {
		return err
	}
	s.leader = leader
	if err := s.settled(ctx); err != nil {
		return err
	}
	s.resultf("%s leads, %s after `kubectl apply`, with the fencing token %d.", s.pod(), took(leader.At.Sub(begun)), leader.Token)
	return nil
}

func (s *story) service(ctx context.Context) error {
	s.stepf("The Service orders-leader selects leaseholder.dev/role: leader. Ten requests:")
	found, err := s.client.CoreV1().Services(namespace).Get(ctx, "orders-leader", metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("find the service: %w", err)
	}
	answers := map[string]int{}
	for range 10 {
		answer, err := ask(ctx, "http://"+found.Spec.ClusterIP)
		if err != nil {
			return fmt.Errorf("ask the service: %w", err)
		}
		answers[answer]++
	}
	for pod, n := range answers {
		s.resultf("%d were answered by %s.", n, pod)
	}
	return nil
}

func (s *story) deletePod(ctx context.Context) error {
	s.stepf("The leader's pod is deleted. Its sidecar is stopped last, and hands over.")
	before, from := s.leader, s.history.Len()
	if err := s.kubectl(ctx, "delete", "pod", s.pod(), "--wait=false"); err != nil {
		return err
	}
	next, err := s.history.Await(ctx, from, product.HeldByOther(before.Holder))
	if err != nil {
		return err
	}
	var released time.Time
	for _, e := range s.history.Since(from) {
		if e.Released() {
			released = e.At
			break
		}
	}
	if released.IsZero() {
		return errors.New("the lock was not released before it was taken")
	}
	s.leader = next
	s.resultf("%s leads, %s after the old leader let go. Token %d.", s.pod(), took(next.At.Sub(released)), next.Token)
	return s.settled(ctx)
}

func (s *story) killProcess(ctx context.Context) error {
	s.stepf("The leader's sidecar is killed: kill -9. It starts again in the same pod and takes its own lock back.")
	before, from := s.leader, s.history.Len()
	begun := time.Now()
	if err := s.Cluster.KillContainer(ctx, namespace, s.pod(), "leaseholder", syscall.SIGKILL); err != nil {
		return err
	}
	next, err := s.history.Await(ctx, from, product.HeldByOther(before.Holder))
	if err != nil {
		return err
	}
	s.leader = next
	verdict := "The same pod leads"
	if lock.PodName(next.Holder) != lock.PodName(before.Holder) {
		verdict = "Another pod leads, " + s.pod()
	}
	s.resultf("%s, %s after the kill. Token %d: whatever the killed process had sent is older.", verdict, took(next.At.Sub(begun)), next.Token)
	return s.settled(ctx)
}

func (s *story) killNode(ctx context.Context) error {
	pod, err := s.client.CoreV1().Pods(namespace).Get(ctx, s.pod(), metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("find the leader's pod: %w", err)
	}
	s.stepf("The leader's node, %s, loses its power. Nobody hands over: its lease of %s has to run out.",
		pod.Spec.NodeName, s.leader.Duration)
	before, from := s.leader, s.history.Len()
	for _, n := range s.Cluster.Nodes() {
		if n.Name() == pod.Spec.NodeName {
			if err := n.Kill(ctx); err != nil {
				return err
			}
		}
	}
	next, err := s.history.Await(ctx, from, product.HeldByOther(before.Holder))
	if err != nil {
		return err
	}
	last := before
	for _, e := range s.history.Since(0) {
		if e.Holder == before.Holder {
			last = e
		}
	}
	s.leader = next
	s.resultf("%s leads, %s after the dead leader's last renewal. Token %d.", s.pod(), took(next.At.Sub(last.At)), next.Token)
	for _, n := range s.Cluster.Nodes() {
		if !n.Running() {
			if err := n.Start(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *story) status(ctx context.Context) error {
	s.stepf("What the kubectl plugin shows:")
	out, err := s.Plugin(ctx, "status")
	if err != nil {
		return err
	}
	s.command("kubectl leaseholder status", out)
	return nil
}

// settled waits until the Deployment is whole again, and shows its pods.
func (s *story) settled(ctx context.Context) error {
	if _, err := s.Kubectl(ctx, "rollout", "status", "deployment/orders"); err != nil {
		return err
	}
	if _, err := s.Kubectl(ctx, "wait", "pod/"+s.pod(), "--for=jsonpath={.metadata.labels.leaseholder\\.dev/role}=leader", "--timeout=1m"); err != nil {
		return err
	}
	return s.show(ctx)
}

func (s *story) show(ctx context.Context) error {
	return s.kubectl(ctx, "get", "pods", "-L", "leaseholder.dev/role")
}

// kubectl runs kubectl before everybody's eyes.
func (s *story) kubectl(ctx context.Context, args ...string) error {
	out, err := s.Kubectl(ctx, args...)
	if err != nil {
		return err
	}
	s.command("kubectl "+strings.Join(args, " "), out)
	return nil
}

func (s *story) pod() string { return lock.PodName(s.leader.Holder) }

func ask(ctx context.Context, target string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return "", err
	}
	request.Close = true
	direct := http.Client{Transport: &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return nil, nil }}}
	response, err := direct.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return strings.TrimSpace(string(body)), err
}

func head(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[:min(lines, len(all))], "\n")
}
