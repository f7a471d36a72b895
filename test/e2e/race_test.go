package e2e

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
)

// TestInstallingWhileWorkloadsAreApplied has the last two of three races. The first is in
// TestUninstallingLeavesElectionsRunningAndNothingElse.
func TestInstallingWhileWorkloadsAreApplied(t *testing.T) {
	for _, round := range []string{"second", "third"} {
		t.Run(round, func(t *testing.T) {
			s := newSpace(t)
			uninstall(s)
			installInARace(s)
		})
	}
}

// installInARace installs the chart while workloads are applied and pods are created
// all the time. Since the first pod that the webhook was asked about, none may be
// without its sidecar, and nothing may be stuck; the check names those from before.
func installInARace(s *space) {
	s.Helper()
	births := watchBirths(s)
	running, done := context.WithCancel(s.ctx)
	defer done()
	var group errgroup.Group
	group.Go(func() error {
		defer done()
		return install(s.ctx)
	})
	group.Go(func() error {
		_, err := prod.Kubectl(s.ctx, "-n", s.name, "apply", "-f", "examples/deployment")
		return err
	})
	group.Go(func() error {
		_, err := prod.Kubectl(s.ctx, "-n", s.name, "create", "deployment", "plain", "--image=hashicorp/http-echo:1.0", "--replicas=2")
		return err
	})
	refused := 0
	group.Go(func() error {
		refused = createWhile(running, s)
		return nil
	})
	s.must(group.Wait())
	s.rolledOut("deployment/plain")
	s.rolledOut("deployment/orders")

	without := judgeBirths(s, births, refused)
	out, err := prod.Plugin(s.ctx, "check", "-n", s.name)
	s.must(err)
	s.Log("\n" + out)
	if want := fmt.Sprintf("warning  Pods without a sidecar: %d pods without the sidecar that is asked for", without); !contains(out, want) {
		s.Errorf("the check does not say %q", want)
	}
}

// createWhile creates annotated pods, one after the other, and counts those that are
// refused. Since the first that the webhook was asked about, none may be without.
func createWhile(running context.Context, s *space) (refused int) {
	s.Helper()
	asked := false
	for n := 0; running.Err() == nil; n++ {
		p, err := client.CoreV1().Pods(s.name).Create(context.WithoutCancel(running), gated(fmt.Sprintf("pod-%d", n)), metav1.CreateOptions{})
		switch {
		case err != nil:
			asked = true
			refused++
		case len(p.Spec.InitContainers) > 0:
			asked = true
		case asked:
			s.Errorf("pod %s has no sidecar, and ones before it were refused or got theirs", p.Name)
		}
	}
	return refused
}

// gated is an annotated pod that nobody schedules, so that there can be many.
func gated(name string) *corev1.Pod {
	p := annotatedPod(name)
	p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/never"}}
	return p
}

// births are when the webhook's configuration and the pods of a space were made, by
// the versions at which they were.
type births struct {
	configured, made watch.Interface
}

func watchBirths(s *space) births {
	s.Helper()
	configured, err := client.AdmissionregistrationV1().MutatingWebhookConfigurations().Watch(s.ctx, metav1.ListOptions{
		LabelSelector: "app.kubernetes.io/name=leaseholder",
	})
	s.must(err)
	made, err := client.CoreV1().Pods(s.name).Watch(s.ctx, metav1.ListOptions{})
	s.must(err)
	return births{configured: configured, made: made}
}

// judgeBirths wants every annotated pod without its sidecar to have been made before
// the first with one, and counts them. The API server asks a webhook a moment after it
// has stored its configuration: what was under way meanwhile is not asked about.
func judgeBirths(s *space, b births, refused int) (without int) {
	s.Helper()
	_, configured := born(s, b.configured)
	b.configured.Stop()
	marker, err := client.CoreV1().Pods(s.name).Create(s.ctx, gated("marker"), metav1.CreateOptions{})
	s.must(err)
	late, first, with := 0, uint64(0), 0
	for name := ""; name != marker.Name; {
		object, at := born(s, b.made)
		p, ok := object.(*corev1.Pod)
		if !ok {
			s.Fatalf("a %T is no pod", object)
		}
		name = p.Name
		switch {
		case p.Annotations["leaseholder.dev/inject"] != "true":
		case len(p.Spec.InitContainers) > 0:
			with++
			if first == 0 {
				first = at
			}
		case first > 0:
			s.Errorf("pod %s was made at %d without a sidecar, and others had theirs since %d", name, at, first)
		default:
			without++
			if at > configured {
				late++
			}
		}
	}
	b.made.Stop()
	s.Logf("%d annotated pods without a sidecar, of which %d were under way when the webhook's configuration was made, then %d refused, then %d with theirs",
		without, late, refused, with)
	return without
}

// born is the next object that was made, with its version at that moment.
func born(s *space, w watch.Interface) (object runtime.Object, at uint64) {
	s.Helper()
	for {
		select {
		case e := <-w.ResultChan():
			if e.Type != watch.Added {
				continue
			}
			o, err := meta.Accessor(e.Object)
			s.must(err)
			at, err := strconv.ParseUint(o.GetResourceVersion(), 10, 64)
			s.must(err)
			return e.Object, at
		case <-s.ctx.Done():
			s.Fatalf("nothing was made: %v", s.ctx.Err())
		}
	}
}
