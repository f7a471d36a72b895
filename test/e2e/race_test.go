package e2e

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/test/product"
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

	checked(s, judgeBirths(s, births, refused))
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
	configured, made *product.Births
}

func watchBirths(s *space) births {
	s.Helper()
	configured, err := client.AdmissionregistrationV1().MutatingWebhookConfigurations().Watch(s.ctx, metav1.ListOptions{
		LabelSelector: "app.kubernetes.io/name=leaseholder",
	})
	s.must(err)
	s.Cleanup(configured.Stop)
	made, err := client.CoreV1().Pods(s.name).Watch(s.ctx, metav1.ListOptions{})
	s.must(err)
	s.Cleanup(made.Stop)
	return births{configured: product.Follow(configured), made: product.Follow(made)}
}

// until waits for an object that is wanted, and gives all that were made up to it.
func until(s *space, what string, b *product.Births, wanted func(product.Birth) bool) (all []product.Birth) {
	s.Helper()
	s.eventually(what, func() error {
		var err error
		all, err = b.Until(wanted)
		s.must(err)
		if len(all) == 0 {
			return errors.New("it was not seen")
		}
		return nil
	})
	return all
}

// judgeBirths wants every annotated pod without its sidecar to have been made before
// the first with one, and counts them. The API server asks a webhook a moment after it
// has stored its configuration: what was under way meanwhile is not asked about.
func judgeBirths(s *space, b births, refused int) (without int) {
	s.Helper()
	configured := until(s, "the webhook's configuration", b.configured, func(product.Birth) bool { return true })[0].At
	marker, err := client.CoreV1().Pods(s.name).Create(s.ctx, gated("marker"), metav1.CreateOptions{})
	s.must(err)
	late, first, with := 0, uint64(0), 0
	for _, birth := range until(s, "the last pod", b.made, func(b product.Birth) bool { return b.Name == marker.Name }) {
		p, ok := birth.Object.(*corev1.Pod)
		if !ok {
			s.Fatalf("a %T is no pod", birth.Object)
		}
		switch {
		case p.Annotations["leaseholder.dev/inject"] != "true":
		case len(p.Spec.InitContainers) > 0:
			with++
			if first == 0 {
				first = birth.At
			}
		case first > 0:
			s.Errorf("pod %s was made at %d without a sidecar, and others had theirs since %d", p.Name, birth.At, first)
		default:
			without++
			if birth.At > configured {
				late++
			}
		}
	}
	s.Logf("%d annotated pods without a sidecar, of which %d were under way when the webhook's configuration was made, then %d refused, then %d with theirs",
		without, late, refused, with)
	return without
}

// checked wants `kubectl leaseholder check` to count this space's pods without a
// sidecar. It counts those of all namespaces, and so earlier ones must be gone.
func checked(s *space, without int) {
	s.Helper()
	s.eventually("the end of the namespaces of earlier tests", func() error {
		all, err := client.CoreV1().Namespaces().List(s.ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for i := range all.Items {
			if all.Items[i].DeletionTimestamp != nil {
				return fmt.Errorf("%s is still there", all.Items[i].Name)
			}
		}
		return nil
	})
	out, err := prod.Plugin(s.ctx, "check", "-n", s.name)
	s.must(err)
	s.Log("\n" + out)
	want := fmt.Sprintf("%d pods without the sidecar that is asked for", without)
	switch without {
	case 0:
		want = "every pod that asks for a sidecar has it"
	case 1:
		want = "1 pod without the sidecar that is asked for"
	}
	if want = "Pods without a sidecar: " + want; !contains(out, want) {
		s.Errorf("the check does not say %q", want)
	}
}
