package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

func TestAPodIsExplained(t *testing.T) {
	e := newElection(t)
	out, _, err := e.call("explain", "pod/b")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Pod b in namespace " + e.namespace,
		`Its election is "orders"`,
		"There is no webhook of Leaseholder in this cluster",
		`Service account "default" may not get, list, watch, patch lease "orders"`,
		"Pod a leads with token 1",
		`The label leaseholder.dev/role is "standby", as it should be`,
		"None. The API server keeps events",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if out, _, err := e.call("explain", "pod/z"); err == nil || out != "" {
		t.Errorf("it says %q of a pod that is not there", out)
	}
}

func TestTheEndpointsOfAPodAreRead(t *testing.T) {
	e := newElection(t)
	cluster.NewPod(t, e.namespace, "d", name, "", func(p *corev1.Pod) {
		env := &p.Spec.InitContainers[0].Env
		*env = append(*env, corev1.EnvVar{Name: config.Lock.Variable(), Value: "endpoints"})
	})
	without, _, err := e.call("explain", "d")
	if err != nil || !strings.Contains(without, `There are no Endpoints "orders"`) {
		t.Errorf("%v\n%s", err, without)
	}
	service := rights.Endpoints(view.Election{Namespace: e.namespace, Name: name})
	service.Object["subsets"] = []any{map[string]any{"addresses": []any{map[string]any{"ip": "192.0.2.1"}}}}
	if err := cluster.Admin.Create(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	out, _, err := e.call("explain", "d")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`Service account "default" may not get, list, watch, patch endpoints "orders", so the sidecar can't take part`,
		`Leaseholder gives no rights to the lock: the Endpoints "orders" in namespace "` + e.namespace + `" have addresses`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}

func TestWhatMayNotBeReadIsSaid(t *testing.T) {
	e := newElection(t)
	user, err := cluster.Environment.AddUser(envtest.User{Name: "reader"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := user.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	e.kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(e.kubeconfig, kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _, err := e.call("explain", "b"); err == nil || out != "" {
		t.Errorf("it says %q to somebody who may not read the pod", out)
	}
	meta := metav1.ObjectMeta{Namespace: e.namespace, Name: "reader"}
	for _, o := range []client.Object{
		&rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get"}}}},
		&rbacv1.RoleBinding{
			ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "reader"},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "reader"}},
		},
	} {
		if err := cluster.Admin.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	out := ""
	explain := func() (err error) {
		out, _, err = e.call("explain", "b")
		return err
	}
	webhooktest.Eventually(t, "the reader may read the pod", func(context.Context) error { return explain() })
	for _, want := range []string{
		"You may not read the namespace", "You may not read webhook configurations", "You may neither ask for the rights",
		`You may not read lease "orders"`, "You may not read events",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}
