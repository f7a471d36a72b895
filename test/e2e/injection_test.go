package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// label gives the namespace of a test a policy.
func (s *space) label(policy string) error {
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{"leaseholder.dev/injection":%q}}}`, policy)
	_, err := client.CoreV1().Namespaces().Patch(s.ctx, s.name, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

// plain is a Deployment that says nothing of Leaseholder.
const plain = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: plain
spec:
  replicas: 2
  selector: {matchLabels: {app: plain}}
  template:
    metadata:
      labels: {app: plain}
    spec:
      containers: [{name: app, image: "hashicorp/http-echo:1.0", args: ["-listen=:8080"]}]
`

func TestANamespaceThatRequiresTheSidecar(t *testing.T) {
	s := newSpace(t)
	if err := s.label("Require"); err == nil || !contains(err.Error(), `"forbid", "require", "default"`) {
		t.Errorf("a label that says nothing: %v", err)
	}
	s.must(s.label("require"))
	h := s.history("deployment-plain")
	s.manifest(plain)
	s.rolledOut("deployment/plain")
	s.labelled("plain", s.identity(s.now(h)).Pod)
	// A pod without a controller has to say in which election it stands.
	if _, err := dryRun(s, plainPod("bare")); err == nil || !contains(err.Error(), "leaseholder.dev/election (not set)") {
		t.Errorf("a pod that can't have it: %v", err)
	}
}

func TestANamespaceThatGivesTheSidecarByDefault(t *testing.T) {
	s := newSpace(t)
	s.must(s.label("default"))
	h := s.history("deployment-plain")
	s.manifest(plain)
	s.rolledOut("deployment/plain")
	s.labelled("plain", s.identity(s.now(h)).Pod)
	p, err := dryRun(s, plainPod("bare"))
	s.must(err)
	if len(p.Spec.InitContainers) > 0 {
		t.Errorf("a pod that can't have it got %v", p.Spec.InitContainers)
	}
}

func TestApplyingAWorkloadWarns(t *testing.T) {
	s := newSpace(t)
	path := filepath.Join(t.TempDir(), "wrong.yaml")
	s.must(os.WriteFile(path, []byte(`
apiVersion: batch/v1
kind: CronJob
metadata:
  name: wrong
  annotations:
    leaseholder.dev/priority: "1"
spec:
  schedule: "0 0 1 1 *"
  jobTemplate:
    spec:
      template:
        metadata:
          annotations:
            leaseholder.dev/inject: "true"
            leaseholder.dev/standby: asleep
        spec:
          restartPolicy: Never
          containers: [{name: app, image: "hashicorp/http-echo:1.0"}]
`), 0o600))
	out, err := prod.Kubectl(s.ctx, "-n", s.name, "apply", "-f", path)
	s.must(err)
	t.Log(out)
	for _, want := range []string{
		`Warning: leaseholder: the pods are refused: leaseholder.dev/standby="asleep": allowed: ready, unready`,
		`Warning: leaseholder: this does nothing: metadata.annotations[leaseholder.dev/priority]="1"`,
		"cronjob.batch/wrong created",
	} {
		if !contains(out, want) {
			t.Errorf("kubectl does not say %q", want)
		}
	}
}

// The owner of a pod that is refused is told the reason as a code.
func TestTheOwnerOfARefusedPodIsTold(t *testing.T) {
	s := newSpace(t)
	s.must(s.label("forbid"))
	s.apply("examples/deployment")
	s.eventually("an Event with the code", func() error {
		events, err := client.CoreV1().Events(s.name).List(s.ctx, metav1.ListOptions{FieldSelector: "reason=InjectionForbidden"})
		if err != nil {
			return err
		}
		for _, e := range events.Items {
			if e.InvolvedObject.Kind == "ReplicaSet" {
				t.Log(e.Message)
				return nil
			}
		}
		return fmt.Errorf("%d Events, none of a ReplicaSet", len(events.Items))
	})
	if pods := s.pods("orders"); len(pods) > 0 {
		t.Errorf("%d pods were created", len(pods))
	}
}

func TestManifestsThatAreInjectedOffline(t *testing.T) {
	s := newSpace(t)
	path := filepath.Join(t.TempDir(), "injected.yaml")
	file, err := os.Create(path)
	s.must(err)
	inject := exec.CommandContext(s.ctx, filepath.Join(prod.Root, "bin", "kubectl-leaseholder"), "inject", "-n", s.name, "-f", "examples/deployment")
	inject.Dir, inject.Stdout, inject.Stderr = prod.Root, file, os.Stderr
	s.must(inject.Run())
	s.must(file.Close())

	h := s.history(orders)
	s.apply(path)
	s.rolledOut("deployment/orders")
	leader := s.identity(s.now(h)).Pod
	s.labelled("orders", leader)
	s.answeredBy("orders-leader", leader)
	for _, p := range s.pods("orders") {
		if len(p.Spec.InitContainers) != 1 {
			t.Errorf("pod %s has %d init containers", p.Name, len(p.Spec.InitContainers))
		}
	}

	for _, p := range s.pods("orders") {
		out, err := prod.Plugin(s.ctx, "-n", s.name, "explain", "pod/"+p.Name)
		s.must(err)
		t.Log(out)
		if leads := contains(out, "This pod leads"); leads != (p.Name == leader) || contains(out, "  ! ") {
			t.Errorf("pod %s leads: %v", p.Name, p.Name == leader)
		}
	}
}

// Unready standbys let a rollout through that may take all pods at once, as the
// warning says.
func TestARolloutOfUnreadyStandbysWithItsCure(t *testing.T) {
	s := newSpace(t)
	h := s.history("deployment-gateway")
	s.apply("examples/unready")
	first := s.now(h)
	patch := []byte(`{"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"100%","maxSurge":0}},
		"template":{"metadata":{"annotations":{"example.com/revision":"2"}}}}}`)
	_, err := client.AppsV1().Deployments(s.name).Patch(s.ctx, "gateway", types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	s.must(err)
	s.eventually("three new pods, of which the leader is ready", func() error {
		pods := s.pods("gateway")
		readyPods := 0
		for i := range pods {
			if pods[i].Annotations["example.com/revision"] != "2" || pods[i].Status.Phase != corev1.PodRunning {
				return fmt.Errorf("pod %s is old, or %s", pods[i].Name, pods[i].Status.Phase)
			}
			if ready(&pods[i]) {
				readyPods++
			}
		}
		if len(pods) != 3 || readyPods != 1 {
			return fmt.Errorf("%d pods, %d ready", len(pods), readyPods)
		}
		return nil
	})
	if now := s.now(h); now.Holder == first.Holder {
		t.Errorf("%s still leads", now.Holder)
	}
}
