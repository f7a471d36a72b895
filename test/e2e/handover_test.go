package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/test/product"
)

// handedOver checks what every hand-over has in common: the old leader let go, the
// new term's token is larger, and no pod led in between.
func handedOver(s *space, h *product.History, from int, before, next product.Entry) {
	s.Helper()
	released := false
	for _, e := range h.Since(from) {
		if e.Holder == next.Holder {
			break
		}
		released = released || e.Released()
	}
	if !released {
		s.Error("the lock was not released before it was taken")
	}
	if next.Token <= before.Token {
		s.Errorf("token %d follows %d", next.Token, before.Token)
	}
	if next.StepDown != "" || next.Preferred != "" {
		s.Errorf("the request stays: %q, for %q", next.StepDown, next.Preferred)
	}
}

// standby is a pod of the application that does not lead.
func standby(s *space, leader string) string {
	s.Helper()
	for _, p := range s.pods("orders") {
		if p.Name != leader {
			return p.Name
		}
	}
	s.Fatal("there is no standby")
	return ""
}

func TestHandoverByStepDown(t *testing.T) {
	s := newSpace(t)
	h, first := deployed(s)
	leader := s.identity(first)
	from := h.Len()
	out, err := prod.Plugin(s.ctx, "-n", s.name, "step-down", orders)
	s.must(err)
	next := s.await(h, from, product.HeldByOther(first.Holder))
	handedOver(s, h, from, first, next)
	now := s.identity(next)
	if now.Pod == leader.Pod {
		t.Errorf("pod %s, which was asked, leads again", now.Pod)
	}
	if want := fmt.Sprintf("election %q: pod %q leads, with token %d\n", orders, now.Pod, next.Token); out != want {
		t.Errorf("it says %q, want %q", out, want)
	}
	s.labelled("orders", now.Pod)
	s.answeredBy("orders-leader", now.Pod)
	s.rolledOut("deployment/orders")
}

func TestHandoverByTransfer(t *testing.T) {
	s := newSpace(t)
	h, entry := deployed(s)
	// Each pod in turn, so that none of it is luck.
	for range 4 {
		to := standby(s, s.identity(entry).Pod)
		from := h.Len()
		out, err := prod.Plugin(s.ctx, "-n", s.name, "transfer", orders, "--to", to)
		s.must(err)
		next := s.await(h, from, product.HeldByOther(entry.Holder))
		handedOver(s, h, from, entry, next)
		if now := s.identity(next); now.Pod != to {
			t.Errorf("pod %s leads, want %s: %s", now.Pod, to, out)
		}
		entry = next
	}
	leader := s.identity(entry).Pod
	s.labelled("orders", leader)
	if out, err := prod.Plugin(s.ctx, "-n", s.name, "transfer", orders, "--to", leader); err == nil || !strings.Contains(err.Error(), "leads election") {
		t.Errorf("it says %q, %v", out, err)
	}
}

func TestHandoverByTheApplication(t *testing.T) {
	s := newSpace(t)
	h, first := deployed(s)
	leader := s.identity(first)
	from := h.Len()
	code, err := stepDown(s, leader.Pod)
	s.must(err)
	if code != http.StatusAccepted {
		t.Errorf("the answer is %d", code)
	}
	next := s.await(h, from, product.HeldByOther(first.Holder))
	handedOver(s, h, from, first, next)
	if now := s.identity(next); now.Pod == leader.Pod {
		t.Errorf("pod %s, which stepped down, leads again", now.Pod)
	}
	s.labelled("orders", s.identity(next).Pod)
}

// stepDown does what the application of a pod does: it asks its own sidecar, whose
// local API listens on the pod's loopback alone.
func stepDown(s *space, pod string) (code int, err error) {
	ctx, cancel := context.WithCancel(s.ctx)
	forward := exec.CommandContext(ctx, prod.Cluster.Kubectl(), "-n", s.name, "port-forward", "pod/"+pod, ":4040")
	forward.Env = append(os.Environ(), "KUBECONFIG="+prod.Cluster.Kubeconfig())
	forward.Stderr = os.Stderr
	out, err := forward.StdoutPipe()
	if err != nil {
		cancel()
		return 0, err
	}
	if err := forward.Start(); err != nil {
		cancel()
		return 0, err
	}
	defer func() {
		cancel()
		_ = forward.Wait()
	}()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		// Forwarding from 127.0.0.1:40123 -> 4040
		words := strings.Fields(lines.Text())
		if len(words) < 3 || !strings.HasPrefix(words[2], "127.0.0.1:") {
			continue
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+words[2]+"/step-down", http.NoBody)
		if err != nil {
			return 0, err
		}
		response, err := (&http.Client{Transport: &http.Transport{}}).Do(request)
		if err != nil {
			return 0, err
		}
		return response.StatusCode, response.Body.Close()
	}
	return 0, fmt.Errorf("nothing is forwarded: %w", errors.Join(lines.Err(), ctx.Err()))
}

func TestHandoverToAHigherPriority(t *testing.T) {
	s := newSpace(t)
	h, first := deployed(s)
	from := h.Len()
	// Another workload that stands in the same election, which is opened for it.
	_, err := prod.Kubectl(s.ctx, "-n", s.name, "annotate", "lease", orders, "leaseholder.dev/workload-")
	s.must(err)
	favourite := s.TempDir() + "/favourite.yaml"
	s.must(os.WriteFile(favourite, []byte(`
apiVersion: v1
kind: Pod
metadata:
  name: favourite
  labels: {app: favourite}
  annotations:
    leaseholder.dev/inject: "true"
    leaseholder.dev/election: `+orders+`
    leaseholder.dev/priority: "10"
spec:
  containers:
    - name: app
      image: hashicorp/http-echo:1.0
      args: ["-listen=:8080"]
`), 0o600))
	s.eventually("the favourite is let in", func() error {
		_, err := prod.Kubectl(s.ctx, "-n", s.name, "apply", "-f", favourite)
		return err
	})
	next := s.await(h, from, product.HeldByOther(first.Holder))
	handedOver(s, h, from, first, next)
	if now := s.identity(next); now.Pod != "favourite" {
		t.Errorf("pod %s leads", now.Pod)
	}
	s.eventually("the favourite's label", func() error {
		if role := s.pod("favourite").Labels["leaseholder.dev/role"]; role != "leader" {
			return fmt.Errorf("it is %q", role)
		}
		return nil
	})
	// It is told after it was asked for, and so perhaps after it has happened.
	s.eventually("an Event", func() error {
		if len(handOvers(s)) == 0 {
			return errors.New("there is none")
		}
		return nil
	})
	t.Log(handOvers(s))

	// It stays: for as many renewals as take longer than what it was waited for.
	const renewals = 20
	at := h.Len()
	for seen := range renewals {
		e := s.await(h, at+seen, func(product.Entry) bool { return true })
		if e.Holder != next.Holder {
			t.Fatalf("%q leads after %q", e.Holder, next.Holder)
		}
	}
	if notes := handOvers(s); len(notes) != 1 {
		t.Errorf("there are the Events %q", notes)
	}

	// When it goes, another leads.
	from = h.Len()
	s.must(client.CoreV1().Pods(s.name).Delete(s.ctx, "favourite", metav1.DeleteOptions{}))
	last := s.await(h, from, product.HeldByOther(next.Holder))
	s.labelled("orders", lock.PodName(last.Holder))
}

// handOvers are the notes of the Events about hand-overs by priority.
func handOvers(s *space) []string {
	s.Helper()
	events, err := client.EventsV1().Events(s.name).List(s.ctx, metav1.ListOptions{})
	s.must(err)
	var notes []string
	for _, e := range events.Items {
		if e.Reason == "HandOver" && e.Type == corev1.EventTypeNormal {
			notes = append(notes, e.Note)
		}
	}
	return notes
}
