package e2e

import (
	"errors"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/test/product"
)

func TestStatefulSet(t *testing.T) {
	s := newSpace(t)
	h := s.history("statefulset-ledger")
	s.apply("examples/statefulset")
	s.rolledOut("statefulset/ledger")
	first := s.now(h)
	leader := s.identity(first)
	s.labelled("ledger", leader.Pod)

	// The pod comes back under its name, and must not pass for its predecessor.
	from := h.Len()
	s.must(client.CoreV1().Pods(s.name).Delete(s.ctx, leader.Pod, metav1.DeleteOptions{}))
	next := s.await(h, from, product.HeldByOther(first.Holder))
	if now := s.identity(next); now.UID == leader.UID {
		t.Errorf("%s follows %s", now, leader)
	}
	s.rolledOut("statefulset/ledger")
	s.labelled("ledger", s.identity(next).Pod)
}

func TestJobCompletes(t *testing.T) {
	s := newSpace(t)
	h := s.history("job-report")
	s.manifest(`
apiVersion: batch/v1
kind: Job
metadata:
  name: report
spec:
  parallelism: 2
  completions: 2
  template:
    metadata:
      annotations:
        leaseholder.dev/inject: "true"
    spec:
      restartPolicy: Never
      containers:
        - name: app
          image: hashicorp/http-echo:1.0
          args: ["-listen=:8080", "-exit-after=5s"]
`)
	first := s.await(h, 0, product.Held)
	s.eventually("the Job's completion", func() error {
		j, err := client.BatchV1().Jobs(s.name).Get(s.ctx, "report", metav1.GetOptions{})
		if err == nil && j.Status.Succeeded != 2 {
			err = fmt.Errorf("%d of 2 pods succeeded, %d failed", j.Status.Succeeded, j.Status.Failed)
		}
		return err
	})
	s.await(h, 0, func(e product.Entry) bool { return e.Released() && e.Token >= first.Token })
}

func TestUnreadyLeavesOnlyTheLeaderReady(t *testing.T) {
	s := newSpace(t)
	h := s.history("deployment-gateway")
	s.apply("examples/unready")
	onlyReady := func() product.Entry {
		t.Helper()
		var leads product.Entry
		s.eventually("one ready pod", func() error {
			leads = s.now(h)
			leader := s.identity(leads).Pod
			pods := s.pods("gateway")
			if len(pods) != 3 {
				return fmt.Errorf("%d pods", len(pods))
			}
			for i := range pods {
				p := &pods[i]
				if p.Status.Phase != corev1.PodRunning {
					return fmt.Errorf("pod %s is %s", p.Name, p.Status.Phase)
				}
				if ready(p) != (p.Name == leader) {
					return fmt.Errorf("pod %s: ready is %v, and %s leads", p.Name, ready(p), leader)
				}
			}
			return nil
		})
		return leads
	}
	first := onlyReady()
	leader := s.identity(first).Pod
	s.answeredBy("gateway", leader)

	from := h.Len()
	s.must(client.CoreV1().Pods(s.name).Delete(s.ctx, leader, metav1.DeleteOptions{}))
	s.await(h, from, product.HeldByOther(first.Holder))
	next := s.identity(onlyReady()).Pod
	s.answeredBy("gateway", next)
}

func TestAWrongAnnotationIsRefusedWithTheReason(t *testing.T) {
	s := newSpace(t)
	s.manifest(`
apiVersion: apps/v1
kind: Deployment
metadata:
  name: wrong
spec:
  selector: {matchLabels: {app: wrong}}
  template:
    metadata:
      labels: {app: wrong}
      annotations:
        leaseholder.dev/inject: "true"
        leaseholder.dev/standby: asleep
        leaseholder.dev/electoin: orders
    spec:
      containers: [{name: app, image: "hashicorp/http-echo:1.0"}]
`)
	s.eventually("an Event of the ReplicaSet", func() error {
		events, err := client.CoreV1().Events(s.name).List(s.ctx, metav1.ListOptions{FieldSelector: "reason=FailedCreate"})
		if err != nil {
			return err
		}
		for _, e := range events.Items {
			if e.InvolvedObject.Kind != "ReplicaSet" {
				continue
			}
			for _, want := range []string{`leaseholder.dev/standby="asleep"`, "ready, unready", `leaseholder.dev/electoin="orders"`} {
				if !contains(e.Message, want) {
					return fmt.Errorf("%q is not in %q", want, e.Message)
				}
			}
			t.Log(e.Message)
			return nil
		}
		return errors.New("there is none")
	})
	if pods := s.pods("wrong"); len(pods) > 0 {
		t.Errorf("%d pods were created", len(pods))
	}
}
