package webhooktest

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// Installation is what the chart makes before the webhook starts, without the
// webhook's configuration. The roles are the chart's own; they are bound to a user,
// whom an administrator can impersonate.
func Installation() ([]client.Object, error) {
	named := metav1.ObjectMeta{Name: account}
	own := metav1.ObjectMeta{Namespace: Namespace, Name: account}
	var everywhere rbacv1.ClusterRole
	var here rbacv1.Role
	if err := errors.Join(render("clusterrole.yaml", &everywhere), render("role.yaml", &here)); err != nil {
		return nil, err
	}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: account}}
	return []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace}},
		&everywhere,
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: named, Subjects: subjects,
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: everywhere.Name},
		},
		&here,
		&rbacv1.RoleBinding{
			ObjectMeta: own, Subjects: subjects,
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: here.Name},
		},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: Secret}},
	}, nil
}

// NewNamespace makes a namespace for one test.
func (c Cluster) NewNamespace(t *testing.T) string {
	t.Helper()
	return c.NewLabelledNamespace(t, nil)
}

// NewLabelledNamespace makes a namespace with labels.
func (c Cluster) NewLabelledNamespace(t *testing.T, labels map[string]string) string {
	t.Helper()
	n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-", Labels: labels}}
	if err := c.Admin.Create(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	c.needAccount(t, n.Name, defaultAccount)
	return n.Name
}

// defaultAccount is that of a pod that names none. In a cluster, the controller
// manager makes it with the namespace.
const defaultAccount = "default"

func (c Cluster) needAccount(t *testing.T, namespace, name string) {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if err := c.Admin.Create(t.Context(), account); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
}

// NewPod makes a pod as admission leaves it: a standby with the sidecar, which
// change can alter before. Its service account is made too; empty is the default
// one.
func (c Cluster) NewPod(t *testing.T, namespace, name, election, account string, change ...func(*corev1.Pod)) *corev1.Pod {
	t.Helper()
	if account == "" {
		account = defaultAccount
	}
	c.needAccount(t, namespace, account)
	pod := Pod(namespace, name)
	pod.Labels = map[string]string{injector.LabelElection: election, injector.LabelRole: injector.RoleStandby}
	always := corev1.ContainerRestartPolicyAlways
	pod.Spec.InitContainers = []corev1.Container{{
		Name: injector.ContainerName, Image: "sidecar", RestartPolicy: &always,
		Env: []corev1.EnvVar{{Name: config.Election.Variable(), Value: election}},
	}}
	pod.Spec.ServiceAccountName = account
	for _, f := range change {
		f(pod)
	}
	if err := c.Admin.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	return pod
}

// Pod is a pod that has nothing to do with Leaseholder, not made yet.
func Pod(namespace, name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app"}}},
	}
}

// SetStatus writes a pod's status: there is no kubelet to do so.
func (c Cluster) SetStatus(t *testing.T, pod *corev1.Pod, change func(*corev1.PodStatus)) {
	t.Helper()
	if err := c.Admin.Get(t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
		t.Fatal(err)
	}
	change(&pod.Status)
	if err := c.Admin.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
}

// SetReady makes a pod Ready, or not.
func (c Cluster) SetReady(t *testing.T, pod *corev1.Pod, ready bool) {
	t.Helper()
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	c.SetStatus(t, pod, func(s *corev1.PodStatus) {
		s.Phase = corev1.PodRunning
		s.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: status}}
	})
}

// DeletePod deletes a pod at once: there is no kubelet to end it.
func (c Cluster) DeletePod(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	if err := c.Admin.Delete(t.Context(), pod, client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
}
