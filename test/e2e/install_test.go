package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"

	"github.com/leaseholder-dev/leaseholder/test/product"
)

// install and uninstall do what the README says.
func install(ctx context.Context) error {
	_, err := prod.Helm(ctx, append(product.InstallCommand(), "--wait", "--timeout", patience.String())...)
	return err
}

func uninstall(s *space) {
	s.Helper()
	_, err := prod.Helm(s.ctx, "uninstall", product.Release, "--namespace", product.Namespace, "--wait", "--timeout", patience.String())
	s.must(err)
	// A test that fails must leave the others an installation.
	s.Cleanup(func() {
		if _, err := client.AppsV1().Deployments(product.Namespace).Get(context.Background(), webhook, metav1.GetOptions{}); apierrors.IsNotFound(err) {
			s.must(install(context.Background()))
		}
	})
	s.eventually("the API server to have forgotten the webhook and the policies", func() error {
		p, err := dryRun(s, annotatedPod("forgotten"))
		if err == nil && len(p.Spec.InitContainers) > 0 {
			err = errors.New("a pod got a sidecar")
		}
		return err
	})
}

// restored puts the installation back to how it is now if the test fails: one that was
// changed halfway would be what the other tests get. It is for the time before the
// test's space, so that the failure is told of first.
func restored(t *testing.T) {
	t.Helper()
	current, err := client.CoreV1().Secrets(product.Namespace).List(t.Context(), metav1.ListOptions{
		LabelSelector: "owner=helm,status=deployed,name=" + product.Release,
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(current.Items); n != 1 {
		t.Fatalf("%d revisions are deployed", n)
	}
	revision := current.Items[0].Labels["version"]
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		_, err := prod.Helm(context.Background(), "rollback", product.Release, revision,
			"--namespace", product.Namespace, "--wait", "--timeout", patience.String())
		if err != nil {
			t.Error(err)
		}
	})
}

// traces lists every object of the cluster that shows by its name, its namespace, a
// label or an annotation that Leaseholder has been there, but for Events, which expire.
func traces(s *space) []string {
	s.Helper()
	_, lists, err := client.Discovery().ServerGroupsAndResources()
	s.must(err)
	c, err := metadata.NewForConfig(prod.Cluster.RESTConfig())
	s.must(err)
	seen := map[string]bool{}
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		s.must(err)
		for _, r := range list.APIResources {
			if !slices.Contains(r.Verbs, "list") || r.Name == "events" {
				continue
			}
			objects, err := c.Resource(version.WithResource(r.Name)).List(s.ctx, metav1.ListOptions{})
			s.must(err)
			for i := range objects.Items {
				if o := &objects.Items[i]; ours(o) {
					seen[r.Name+" "+o.Namespace+"/"+o.Name] = true
				}
			}
		}
	}
	var all []string
	for trace := range seen {
		all = append(all, trace)
	}
	slices.Sort(all)
	return all
}

func ours(o *metav1.PartialObjectMetadata) bool {
	const name = "leaseholder"
	if strings.Contains(o.Name+" "+o.Namespace, name) {
		return true
	}
	for _, pairs := range []map[string]string{o.Labels, o.Annotations} {
		for key, value := range pairs {
			if strings.Contains(key, name) || value == name {
				return true
			}
		}
	}
	return false
}

// left is what remains, with one running election of three pods in the namespace.
func left(s *space) []string {
	s.Helper()
	all := []string{
		// What makes the election work, as the README says.
		"leases " + s.name + "/" + orders,
		"rolebindings " + s.name + "/leaseholder-" + orders,
		"roles " + s.name + "/leaseholder-" + orders,
		// The webhook's own election, which the README's command deletes too.
		"leases " + product.Namespace + "/" + webhook,
		// The namespace that helm was told to create, with what Kubernetes puts into each.
		"namespaces /" + product.Namespace,
		"configmaps " + product.Namespace + "/kube-root-ca.crt",
		"serviceaccounts " + product.Namespace + "/default",
	}
	// The workload and its pods, which are the user's.
	for _, p := range s.pods("orders") {
		all = append(all, "pods "+s.name+"/"+p.Name)
	}
	slices.Sort(all)
	return all
}

func TestUninstallingLeavesElectionsRunningAndNothingElse(t *testing.T) {
	// It outlives the race's own space.
	s := spaceFor(t, 2*lifetime)
	h, _ := deployed(s)
	first := s.now(h)
	leader := s.identity(first).Pod
	s.labelled("orders", leader)
	before := identities(s)
	rights := versions(s)

	uninstall(s)
	var now, want []string
	s.eventually("the end of all that was installed", func() error {
		if now, want = elsewhere(traces(s), s), left(s); !slices.Equal(now, want) {
			return fmt.Errorf("there is\n%s\ninstead of\n%s", strings.Join(now, "\n"), strings.Join(want, "\n"))
		}
		return nil
	})
	t.Logf("left behind:\n%s", strings.Join(now, "\n"))

	from := h.Len()
	s.await(h, from, product.Held) // a renewal
	t.Run("race", func(t *testing.T) {
		s := newSpace(t)
		installInARace(s)
		// What the check says helps.
		_, err := prod.Kubectl(s.ctx, "-n", s.name, "rollout", "restart", "deployment/orders")
		s.must(err)
		s.rolledOut("deployment/orders")
		s.now(s.history(orders))
	})
	s.labelled("orders", leader)
	for _, e := range h.Since(0) {
		if e.Holder != "" && e.Token > first.Token {
			t.Errorf("%s took the lead with token %d from %s with token %d", e.Holder, e.Token, first.Holder, first.Token)
		}
	}
	if now := identities(s); !slices.Equal(now, before) {
		t.Errorf("the pods were %q and are %q", before, now)
	}
	if now := versions(s); !slices.Equal(now, rights) {
		t.Errorf("the rights were %q and are %q", rights, now)
	}

	// The installation is at work again.
	from = h.Len()
	s.must(client.CoreV1().Pods(s.name).Delete(s.ctx, leader, metav1.DeleteOptions{}))
	next := s.await(h, from, product.HeldByOther(first.Holder))
	s.rolledOut("deployment/orders")
	s.labelled("orders", s.identity(next).Pod)
}

// elsewhere leaves out what the test itself has made, but for what Leaseholder adds.
func elsewhere(traces []string, s *space) []string {
	return slices.DeleteFunc(traces, func(trace string) bool {
		return strings.HasPrefix(trace, "namespaces /"+s.name) || strings.HasPrefix(trace, "podmetrics ")
	})
}

// identities tell each pod from one that was made or restarted later.
func identities(s *space) []string {
	s.Helper()
	var all []string
	for _, p := range s.pods("orders") {
		restarts := int32(0)
		for _, c := range append(p.Status.InitContainerStatuses, p.Status.ContainerStatuses...) {
			restarts += c.RestartCount
		}
		all = append(all, fmt.Sprintf("%s %s, %d restarts", p.Name, p.UID, restarts))
	}
	slices.Sort(all)
	return all
}

// versions tell the election's rights from those that were changed or made anew.
func versions(s *space) []string {
	s.Helper()
	role, err := client.RbacV1().Roles(s.name).Get(s.ctx, "leaseholder-"+orders, metav1.GetOptions{})
	s.must(err)
	binding, err := client.RbacV1().RoleBindings(s.name).Get(s.ctx, "leaseholder-"+orders, metav1.GetOptions{})
	s.must(err)
	return []string{role.ResourceVersion, binding.ResourceVersion}
}
