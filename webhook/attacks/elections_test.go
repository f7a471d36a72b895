package attacks

import (
	"context"
	"math"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// TestAnAnnotationThatNamesALeaseOfAnotherComponent gets no rights to it, in this and in
// another namespace.
func TestAnAnnotationThatNamesALeaseOfAnotherComponent(t *testing.T) {
	serve(t)
	n, other := cluster.NewNamespace(t), cluster.NewNamespace(t)
	made(t, lease(n, "their-operator"))
	made(t, lease(other, "their-operator-too"))
	mallory := user(t, n, mayMakePods)

	err := mallory.Create(t.Context(), annotated(n, "a", "their-operator"))
	if err := refused(err, "did not make the Lease", "their-operator"); err != nil {
		t.Errorf("a Lease of this namespace: %v", err)
	}
	for _, name := range []string{other + "/their-operator-too", "../" + other, "kube-system/kube-scheduler", "*", "a,b", ""} {
		err := mallory.Create(t.Context(), annotated(n, "a", name))
		if err := refused(err, injector.AnnotationElection, "DNS-1123"); err != nil {
			t.Errorf("the name %q: %v", name, err)
		}
	}
	// The same name is another Lease, of their own namespace.
	if err := mallory.Create(t.Context(), annotated(n, "b", "their-operator-too")); err != nil {
		t.Fatal(err)
	}
	granted(t, n, "their-operator-too", "default")
	sidecar := account(t, n)
	if err := unauthorized(sidecar.Patch(t.Context(), lease(other, "their-operator-too"), merge(`{"spec":{"holderIdentity":"b"}}`))); err != nil {
		t.Errorf("a Lease of another namespace: %v", err)
	}
	if _, err := grantees(t.Context(), other, "their-operator-too"); !apierrors.IsNotFound(err) {
		t.Errorf("rights in another namespace: %v", err)
	}
}

// TestALeaseMadeBeforehandToBeAdopted is adopted only if its maker may grant rights
// there: who may only write Leases can't put our label on one, at once or later.
func TestALeaseMadeBeforehandToBeAdopted(t *testing.T) {
	serve(t)
	n := cluster.NewNamespace(t)
	mallory := user(t, n, mayMakePods, mayWriteLeases)
	const says = "may create roles.rbac.authorization.k8s.io"
	forever := func(l *coordinationv1.Lease) {
		l.Spec = coordinationv1.LeaseSpec{HolderIdentity: new("mallory"), LeaseDurationSeconds: new(int32(math.MaxInt32))}
	}

	for what, l := range map[string]*coordinationv1.Lease{
		"one with our label":                    lease(n, "orders", ours),
		"one that is held for 68 years":         lease(n, "orders", ours, forever),
		"one that belongs to a workload before": lease(n, "orders", ours, func(l *coordinationv1.Lease) { l.Annotations = map[string]string{"leaseholder.dev/workload": "x"} }),
	} {
		if err := policed(mallory.Create(t.Context(), l), says); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	unlabelled := lease(n, "orders", forever)
	if err := mallory.Create(t.Context(), unlabelled); err != nil {
		t.Fatal(err)
	}
	const label = `{"metadata":{"labels":{"app.kubernetes.io/managed-by":"leaseholder"}}}`
	if err := policed(mallory.Patch(t.Context(), unlabelled.DeepCopy(), merge(label)), says); err != nil {
		t.Errorf("a label that comes later: %v", err)
	}
	labelled := unlabelled.DeepCopy()
	ours(labelled)
	if err := policed(mallory.Update(t.Context(), labelled), says); err != nil {
		t.Errorf("a Lease that is replaced: %v", err)
	}
	apply := client.RawPatch(types.ApplyPatchType, []byte(`{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"orders","labels":{"app.kubernetes.io/managed-by":"leaseholder"}}}`))
	if err := policed(mallory.Patch(t.Context(), lease(n, "orders"), apply, client.FieldOwner(userName), client.ForceOwnership), says); err != nil {
		t.Errorf("a Lease that is applied: %v", err)
	}
	if err := refused(mallory.Create(t.Context(), annotated(n, "a", "orders")), "did not make the Lease"); err != nil {
		t.Errorf("a pod that names it: %v", err)
	}

	// Who may create roles could give the rights in other ways too.
	another := cluster.NewNamespace(t)
	granter := user(t, another, mayMakePods, mayWriteLeases, mayGrant)
	if err := granter.Create(t.Context(), lease(another, "orders", ours)); err != nil {
		t.Errorf("who may grant can't hand over: %v", err)
	}
	if err := granter.Create(t.Context(), annotated(another, "a", "orders")); err != nil {
		t.Fatal(err)
	}
	granted(t, another, "orders", "default")
}

// TestTheRecordOfWhoseAnElectionIs is the webhook's alone to change, and of those who may
// grant rights there. A renewal passes.
func TestTheRecordOfWhoseAnElectionIs(t *testing.T) {
	n := cluster.NewNamespace(t)
	record := func(l *coordinationv1.Lease) {
		l.Annotations = map[string]string{"leaseholder.dev/workload": "deployment/orders"}
	}
	l := made(t, lease(n, "orders", ours, record))
	mallory := user(t, n, mayWriteLeases)
	const says = "leaseholder.dev/workload"
	for what, patch := range map[string]string{
		"given to another":    `{"metadata":{"annotations":{"leaseholder.dev/workload":"deployment/mallory"}}}`,
		"opened to all":       `{"metadata":{"annotations":{"leaseholder.dev/workload":null}}}`,
		"shared":              `{"metadata":{"annotations":{"leaseholder.dev/workload":""}}}`,
		"changed in hiding":   `{"metadata":{"labels":{"app.kubernetes.io/managed-by":null},"annotations":{"leaseholder.dev/workload":"x"}}}`,
		"changed in renewing": `{"metadata":{"annotations":{"leaseholder.dev/workload":"x"}},"spec":{"holderIdentity":"x"}}`,
	} {
		if err := policed(mallory.Patch(t.Context(), l.DeepCopy(), merge(patch)), says); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, patch := range map[string]string{
		"held":                    `{"spec":{"holderIdentity":"a_u_s","leaseDurationSeconds":15}}`,
		"held with a token":       `{"metadata":{"annotations":{"leaseholder.dev/token":"7"}},"spec":{"holderIdentity":"a_u_s"}}`,
		"renewed with the record": `{"metadata":{"annotations":{"leaseholder.dev/workload":"deployment/orders"}},"spec":{"leaseTransitions":3}}`,
	} {
		if err := mallory.Patch(t.Context(), l.DeepCopy(), merge(patch)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	// Without the label it is nobody's election any more, and comes back with it only.
	if err := mallory.Patch(t.Context(), l.DeepCopy(), merge(`{"metadata":{"labels":{"app.kubernetes.io/managed-by":null}}}`)); err != nil {
		t.Error(err)
	}
	if err := policed(mallory.Patch(t.Context(), l.DeepCopy(), merge(`{"metadata":{"labels":{"app.kubernetes.io/managed-by":"leaseholder"}}}`)), says); err != nil {
		t.Errorf("handed over again: %v", err)
	}
}

// TestALockURLPathOrImageThatPointsOutside refuses the pod, as an annotation that there
// is not, or as a lock that is no place in one of the stores. So do the values that a
// sidecar brought along would be given.
func TestALockURLPathOrImageThatPointsOutside(t *testing.T) {
	serve(t)
	n := cluster.NewNamespace(t)
	mallory := user(t, n, mayMakePods)
	for key, values := range map[string][]string{
		"lock": {
			"https://evil.example.com/", "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "endpoints/another",
			"gs://shop-locks/../another/object", "gs://shop-locks/%2e%2e/another", "gs://user@evil.example.com/x", "gs://127.0.0.1:8080/x", "gs://shop-locks/a?alt=media",
			"azblob://evil.example.com/locks/orders", "azblob://account/../orders", "azblob://account/locks/orders?sig=x",
			"s3://shop-locks//etc", "s3://[fd00:ec2::254]/latest", "s3://shop-locks/a#b",
		},
		"lock-secret":      {"kube-system/secret", "../secret", "Secret", "a b", ""},
		"lock-credentials": {"/etc"},
		"on-change-url":    {"http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://metadata.google.internal/", "https://evil.example.com/", "http://127.0.0.1:10250/"},
		"status-file":      {"/etc/passwd", "/var/run/secrets/kubernetes.io/serviceaccount/token", "../../x"},
		"image":            {"evil.example.com/sidecar:1"},
		"api-address":      {"0.0.0.0:4040"},
		"probe-address":    {"0.0.0.0:4041"},
		"namespace":        {"kube-system"},
		"pod-name":         {"another"},
		"kubeconfig":       {"/tmp/kubeconfig"},
		"port":             {"4040@evil.example.com", "0", "http://evil.example.com"},
	} {
		for _, value := range values {
			pod := annotated(n, "a", "orders")
			pod.Annotations[injector.Prefix+key] = value
			if err := refused(mallory.Create(t.Context(), pod), injector.Prefix+key, "allowed"); err != nil {
				t.Errorf("%s=%s: %v", key, value, err)
			}
		}
	}
}

// TestAUserWhoCanCreatePods gains no right of their own. Pods that they could run with a
// service account anyway get that account the rights to the election that they name, if
// it is nobody else's.
func TestAUserWhoCanCreatePods(t *testing.T) {
	serve(t)
	n := cluster.NewNamespace(t)
	of := func(name string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Spec.ServiceAccountName = name
			made(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: n, Name: name}})
		}
	}
	database := made(t, &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: n, Name: "db"},
		Spec: appsv1.StatefulSetSpec{
			ServiceName: "db",
			Selector:    &metav1.LabelSelector{MatchLabels: map[string]string{"app": "db"}},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "db"}}, Spec: webhooktest.Pod(n, "").Spec,
			},
		},
	})
	const election = "statefulset-db"
	byDatabase := func(p *corev1.Pod) {
		delete(p.Annotations, injector.AnnotationElection)
		p.OwnerReferences = []metav1.OwnerReference{{
			APIVersion: "apps/v1", Kind: "StatefulSet", Name: "db", UID: database.UID, Controller: new(true),
		}}
	}
	made(t, annotated(n, "db-0", "", of("db"), byDatabase))
	granted(t, n, election, "db")

	mallory := user(t, n, mayMakePods)
	try := func(p *corev1.Pod) error { return mallory.Create(t.Context(), p) }
	webhooktest.Eventually(t, "the election of another workload is refused", func(ctx context.Context) error {
		return refused(mallory.Create(ctx, annotated(n, "evil", election), client.DryRunAll), "statefulset/db")
	})
	if err := try(annotated(n, "mine", "mine", of("mine"))); err != nil {
		t.Fatal(err)
	}
	granted(t, n, "mine", "mine")

	// Of the rights that they have brought about, none is theirs.
	for what, err := range map[string]error{
		"read the Lease":  mallory.Get(t.Context(), types.NamespacedName{Namespace: n, Name: "mine"}, lease(n, "mine")),
		"take the Lease":  mallory.Patch(t.Context(), lease(n, "mine"), merge(`{"spec":{"holderIdentity":"mallory"}}`)),
		"make a Lease":    mallory.Create(t.Context(), lease(n, "new")),
		"grant the Lease": mallory.Create(t.Context(), &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: n, Name: "new"}}),
	} {
		if err := unauthorized(err); err != nil {
			t.Errorf("they can %s: %v", what, err)
		}
	}

	// Who may create pods may run one as db, and so has that account's rights. A forged
	// controller gives them to another account, and nothing more.
	as := webhooktest.Pod(n, "as-db")
	as.Spec.ServiceAccountName = "db"
	if err := try(as); err != nil {
		t.Errorf("a pod with the workload's account: %v", err)
	}
	if err := try(annotated(n, "db-1", "", of("forger"), byDatabase)); err != nil {
		t.Fatal(err)
	}
	granted(t, n, election, "db", "forger")
	var l coordinationv1.Lease
	if err := cluster.Admin.Get(t.Context(), types.NamespacedName{Namespace: n, Name: election}, &l); err != nil || l.Annotations["leaseholder.dev/workload"] != "statefulset/db" {
		t.Errorf("the election is of %q: %v", l.Annotations["leaseholder.dev/workload"], err)
	}
}
