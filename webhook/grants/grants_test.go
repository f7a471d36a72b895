package grants_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	leaselock "github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/event"
	"github.com/leaseholder-dev/leaseholder/webhook/grants"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

var cluster webhooktest.Cluster

func TestMain(m *testing.M) { os.Exit(webhooktest.Main(m, &cluster)) }

// start runs the controller until the test ends, or stop is called.
func start(t *testing.T, unusedAfter time.Duration) (stop func()) {
	t.Helper()
	return startMeasured(t, unusedAfter, nil)
}

func startMeasured(t *testing.T, unusedAfter time.Duration, waits *grants.Waits) (stop func()) {
	t.Helper()
	c := grants.New(grants.Options{
		Cache:       cluster.Cache(t),
		Client:      cluster.Client,
		Kube:        cluster.Webhook,
		Waits:       waits,
		Teller:      event.Teller{Client: cluster.Client, Instance: t.Name(), Logger: slog.Default()},
		Namespace:   webhooktest.Namespace,
		UnusedAfter: unusedAfter,
	})
	return webhooktest.Background(t, "grants", c.Run)
}

func lease(namespace, name string) *coordinationv1.Lease {
	return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
}

func role(namespace, election string) *rbacv1.Role {
	return &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "leaseholder-" + election}}
}

func binding(namespace, election string) *rbacv1.RoleBinding {
	return &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "leaseholder-" + election}}
}

func get(ctx context.Context, o client.Object) error {
	return cluster.Admin.Get(ctx, client.ObjectKeyFromObject(o), o)
}

// granted is nil when exactly these accounts have the rights to the election.
func granted(ctx context.Context, namespace, election string, accounts ...string) error {
	if err := get(ctx, lease(namespace, election)); err != nil {
		return err
	}
	r, b := role(namespace, election), binding(namespace, election)
	if err := errors.Join(get(ctx, r), get(ctx, b)); err != nil {
		return err
	}
	if len(r.Rules) != 1 || !slices.Equal(r.Rules[0].ResourceNames, []string{election}) ||
		!slices.Equal(r.Rules[0].Verbs, []string{"get", "list", "watch", "patch"}) {
		return fmt.Errorf("the role has the rules %v", r.Rules)
	}
	var got []string
	for _, s := range b.Subjects {
		got = append(got, s.Name)
	}
	if !slices.Equal(got, accounts) {
		return fmt.Errorf("bound to %v instead of %v", got, accounts)
	}
	return nil
}

// gone is nil when none of the objects exists.
func gone(ctx context.Context, objects ...client.Object) error {
	for _, o := range objects {
		if err := get(ctx, o); !apierrors.IsNotFound(err) {
			return fmt.Errorf("%T %s is there: %w", o, o.GetName(), err)
		}
	}
	return nil
}

func TestPodsGetTheLeaseAndTheRightsOfTheirElection(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	cluster.NewPod(t, n, "a", "orders", "one")
	webhooktest.Eventually(t, "the first account's rights", func(ctx context.Context) error { return granted(ctx, n, "orders", "one") })
	l := lease(n, "orders")
	if err := get(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if l.Spec.HolderIdentity != nil || !view.Ours(l) {
		t.Errorf("the lease is not unheld and ours: %+v", l)
	}

	second := cluster.NewPod(t, n, "b", "orders", "two")
	webhooktest.Eventually(t, "both accounts' rights", func(ctx context.Context) error { return granted(ctx, n, "orders", "one", "two") })
	cluster.DeletePod(t, second)
	webhooktest.Eventually(t, "the rights of the account that is left", func(ctx context.Context) error { return granted(ctx, n, "orders", "one") })
}

func TestALeaseIsFreeOnlyIfNobodyCanHaveLed(t *testing.T) {
	freeOf := func(t *testing.T, namespace string) bool {
		t.Helper()
		l := lease(namespace, "orders")
		// The rights are given after the mark.
		webhooktest.Eventually(t, "the rights", func(ctx context.Context) error { return granted(ctx, namespace, "orders", "default") })
		if err := get(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		return leaselock.Decode(l).Released()
	}
	started := func(t *testing.T, pod *corev1.Pod) {
		t.Helper()
		pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{
			Name: injector.ContainerName, ContainerID: "containerd://1",
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
		}}
		if err := cluster.Admin.Status().Update(t.Context(), pod); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("new pods alone", func(t *testing.T) {
		start(t, time.Hour)
		n := cluster.NewNamespace(t)
		cluster.NewPod(t, n, "a", "orders", "")
		if !freeOf(t, n) {
			t.Error("it is not free")
		}
	})
	t.Run("a sidecar has been started", func(t *testing.T) {
		n := cluster.NewNamespace(t)
		started(t, cluster.NewPod(t, n, "a", "orders", ""))
		cluster.NewPod(t, n, "b", "orders", "")
		start(t, time.Hour)
		if freeOf(t, n) {
			t.Error("it is free")
		}
	})
	t.Run("it was deleted by hand", func(t *testing.T) {
		start(t, time.Hour)
		n := cluster.NewNamespace(t)
		cluster.NewPod(t, n, "a", "orders", "")
		webhooktest.Eventually(t, "the rights", func(ctx context.Context) error { return granted(ctx, n, "orders", "default") })
		old := lease(n, "orders")
		if err := errors.Join(get(t.Context(), old), cluster.Admin.Delete(t.Context(), old)); err != nil {
			t.Fatal(err)
		}
		webhooktest.Eventually(t, "another lease", func(ctx context.Context) error {
			l := lease(n, "orders")
			if err := get(ctx, l); err != nil || l.UID != old.UID {
				return err
			}
			return errors.New("it is the old one")
		})
		if freeOf(t, n) {
			t.Error("it is free")
		}
	})
	t.Run("it was deleted by hand, with its pod, while nobody looked", func(t *testing.T) {
		for _, forgotten := range []func(n string) client.Object{
			func(n string) client.Object { return role(n, "orders") },
			func(n string) client.Object { return binding(n, "orders") },
		} {
			stop := start(t, time.Hour)
			n := cluster.NewNamespace(t)
			pod := cluster.NewPod(t, n, "a", "orders", "")
			webhooktest.Eventually(t, "the rights", func(ctx context.Context) error { return granted(ctx, n, "orders", "default") })
			stop()
			cluster.DeletePod(t, pod)
			if err := errors.Join(cluster.Admin.Delete(t.Context(), lease(n, "orders")), cluster.Admin.Delete(t.Context(), forgotten(n))); err != nil {
				t.Fatal(err)
			}
			cluster.NewPod(t, n, "b", "orders", "")
			stop = start(t, time.Hour)
			webhooktest.Eventually(t, "another lease", func(ctx context.Context) error { return get(ctx, lease(n, "orders")) })
			if freeOf(t, n) {
				t.Error("it is free")
			}
			stop()
		}
	})
	t.Run("all was deleted by force", func(t *testing.T) {
		stop := start(t, time.Hour)
		n := cluster.NewNamespace(t)
		pod := cluster.NewPod(t, n, "a", "orders", "")
		webhooktest.Eventually(t, "the rights", func(ctx context.Context) error { return granted(ctx, n, "orders", "default") })
		cluster.DeletePod(t, pod)
		// Another replica has only seen the Lease: it grants, and so listens, before
		// that is deleted.
		stop()
		start(t, time.Hour)
		cluster.NewPod(t, n, "before", "before", "")
		webhooktest.Eventually(t, "another pod's rights", func(ctx context.Context) error { return granted(ctx, n, "before", "default") })
		remains := []client.Object{lease(n, "orders"), role(n, "orders"), binding(n, "orders")}
		for _, o := range remains {
			if err := cluster.Admin.Delete(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		// What comes last is granted, so that what came before was seen.
		cluster.NewPod(t, n, "other", "other", "")
		webhooktest.Eventually(t, "the last pod's rights", func(ctx context.Context) error { return granted(ctx, n, "other", "default") })
		if err := gone(t.Context(), remains...); err != nil {
			t.Fatal(err)
		}
		cluster.NewPod(t, n, "b", "orders", "")
		if freeOf(t, n) {
			t.Error("it is free")
		}
	})
}

func TestEditsAndDeletionsAreRepaired(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	cluster.NewPod(t, n, "a", "orders", "one")
	right := func(ctx context.Context) error { return granted(ctx, n, "orders", "one") }
	webhooktest.Eventually(t, "the rights", right)
	for name, harm := range map[string]func() error{
		"the lease is deleted":   func() error { return cluster.Admin.Delete(t.Context(), lease(n, "orders")) },
		"the role is deleted":    func() error { return cluster.Admin.Delete(t.Context(), role(n, "orders")) },
		"the binding is deleted": func() error { return cluster.Admin.Delete(t.Context(), binding(n, "orders")) },
		"the role is widened": func() error {
			return cluster.Admin.Patch(t.Context(), role(n, "orders"), client.RawPatch(types.MergePatchType,
				[]byte(`{"rules":[{"apiGroups":[""],"resources":["secrets"],"verbs":["*"]}]}`)))
		},
		"the role's election is changed": func() error {
			return cluster.Admin.Patch(t.Context(), role(n, "orders"), client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"leaseholder.dev/election":"toys"}}}`)))
		},
		"the binding's election is taken away": func() error {
			return cluster.Admin.Patch(t.Context(), binding(n, "orders"), client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"leaseholder.dev/election":null}}}`)))
		},
		"a stranger is bound": func() error {
			return cluster.Admin.Patch(t.Context(), binding(n, "orders"), client.RawPatch(types.MergePatchType,
				[]byte(`{"subjects":[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"mallory"}]}`)))
		},
		"the binding leads to another role": func() error {
			b := binding(n, "orders")
			if err := cluster.Admin.Delete(t.Context(), b); err != nil {
				return err
			}
			b = binding(n, "orders")
			b.Labels = map[string]string{view.LabelManagedBy: view.ManagedBy, injector.LabelElection: "orders"}
			b.RoleRef = rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"}
			return client.IgnoreAlreadyExists(cluster.Admin.Create(t.Context(), b))
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := harm(); err != nil {
				t.Fatal(err)
			}
			webhooktest.Eventually(t, "the rights again", func(ctx context.Context) error {
				b := binding(n, "orders")
				if err := get(ctx, b); err != nil {
					return err
				}
				if b.RoleRef.Kind != "Role" {
					return fmt.Errorf("bound to %v", b.RoleRef)
				}
				return errors.Join(right(ctx), labelled(ctx, n, "orders"))
			})
		})
	}
}

func TestAStrangersLeaseIsNeverGranted(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	theirs := lease(n, "orders")
	theirs.Spec.HolderIdentity = new("somebody")
	if err := cluster.Admin.Create(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	pod := cluster.NewPod(t, n, "a", "orders", "one")
	webhooktest.Eventually(t, "an event with the reason", func(ctx context.Context) error {
		var list eventsv1.EventList
		if err := cluster.Admin.List(ctx, &list, client.InNamespace(n)); err != nil {
			return err
		}
		for _, e := range list.Items {
			if e.Reason == grants.ReasonRefused && e.Regarding.UID == pod.UID {
				return nil
			}
		}
		return fmt.Errorf("%d events, none of them", len(list.Items))
	})
	if err := gone(t.Context(), role(n, "orders"), binding(n, "orders")); err != nil {
		t.Error(err)
	}
	got := lease(n, "orders")
	if err := get(t.Context(), got); err != nil || got.ResourceVersion != theirs.ResourceVersion {
		t.Errorf("the lease was touched: %v %+v", err, got)
	}

	hand := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"`+view.LabelManagedBy+`":"`+view.ManagedBy+`"}}}`))
	if err := cluster.Admin.Patch(t.Context(), got, hand); err != nil {
		t.Fatal(err)
	}
	webhooktest.Eventually(t, "rights to the lease that was handed over", func(ctx context.Context) error { return granted(ctx, n, "orders", "one") })

	take := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"`+view.LabelManagedBy+`":null}}}`))
	if err := cluster.Admin.Patch(t.Context(), got, take); err != nil {
		t.Fatal(err)
	}
	webhooktest.Eventually(t, "no rights to the lease that was taken back", func(ctx context.Context) error {
		return gone(ctx, role(n, "orders"), binding(n, "orders"))
	})
}

func TestAStrangersRoleIsNotTouched(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	theirs := role(n, "orders")
	if err := cluster.Admin.Create(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	cluster.NewPod(t, n, "a", "orders", "one")
	cluster.NewPod(t, n, "b", "other", "one")
	webhooktest.Eventually(t, "the other election's rights", func(ctx context.Context) error { return granted(ctx, n, "other", "one") })
	webhooktest.Eventually(t, "the lease", func(ctx context.Context) error { return get(ctx, lease(n, "orders")) })
	got := role(n, "orders")
	if err := get(t.Context(), got); err != nil || got.ResourceVersion != theirs.ResourceVersion {
		t.Errorf("the role was touched: %v %+v", err, got)
	}
	if err := gone(t.Context(), binding(n, "orders")); err != nil {
		t.Error(err)
	}
}

func TestWhatNoPodUsesIsRemoved(t *testing.T) {
	start(t, time.Second)
	n := cluster.NewNamespace(t)
	pod := cluster.NewPod(t, n, "a", "orders", "one")
	webhooktest.Eventually(t, "the rights", func(ctx context.Context) error { return granted(ctx, n, "orders", "one") })
	cluster.DeletePod(t, pod)
	webhooktest.Eventually(t, "nothing left", func(ctx context.Context) error {
		return gone(ctx, lease(n, "orders"), role(n, "orders"), binding(n, "orders"))
	})
}

func TestWhatAnotherReplicaLeftIsRemovedToo(t *testing.T) {
	stop := start(t, time.Hour)
	n := cluster.NewNamespace(t)
	pod := cluster.NewPod(t, n, "a", "orders", "one")
	webhooktest.Eventually(t, "the rights", func(ctx context.Context) error { return granted(ctx, n, "orders", "one") })
	stop()
	cluster.DeletePod(t, pod)
	start(t, time.Second)
	webhooktest.Eventually(t, "nothing left", func(ctx context.Context) error {
		return gone(ctx, lease(n, "orders"), role(n, "orders"), binding(n, "orders"))
	})
}

func TestWhatIsHeldOutsideTheClusterStays(t *testing.T) {
	start(t, time.Second)
	n := cluster.NewNamespace(t)
	pod := cluster.NewPod(t, n, "a", "orders", "one")
	webhooktest.Eventually(t, "the rights", func(ctx context.Context) error { return granted(ctx, n, "orders", "one") })
	l := lease(n, "orders")
	held := client.RawPatch(types.MergePatchType, fmt.Appendf(nil,
		`{"spec":{"holderIdentity":"by-hand","leaseDurationSeconds":15,"renewTime":%q}}`, time.Now().Add(time.Hour).UTC().Format(metav1.RFC3339Micro)))
	if err := cluster.Admin.Patch(t.Context(), l, held); err != nil {
		t.Fatal(err)
	}
	cluster.DeletePod(t, pod)
	// What came later is removed, so that this would have been too.
	later := cluster.NewPod(t, n, "b", "later", "one")
	webhooktest.Eventually(t, "the later rights", func(ctx context.Context) error { return granted(ctx, n, "later", "one") })
	cluster.DeletePod(t, later)
	webhooktest.Eventually(t, "the later ones gone", func(ctx context.Context) error {
		return gone(ctx, lease(n, "later"), role(n, "later"), binding(n, "later"))
	})
	if err := granted(t.Context(), n, "orders", "one"); err != nil {
		t.Error(err)
	}
}

func TestNothingIsGrantedInExcludedNamespacesOrWithoutASidecar(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	for _, excluded := range []string{webhooktest.Namespace, "kube-system"} {
		pod := cluster.NewPod(t, excluded, "a", "orders", "one")
		t.Cleanup(func() { _ = cluster.Admin.Delete(context.Background(), pod, client.GracePeriodSeconds(0)) })
	}
	bare := webhooktest.Pod(n, "bare")
	bare.Labels = map[string]string{injector.LabelElection: "bare"}
	if err := cluster.Admin.Create(t.Context(), bare); err != nil {
		t.Fatal(err)
	}
	// What comes last is granted, so that what came before was seen.
	cluster.NewPod(t, n, "b", "last", "one")
	webhooktest.Eventually(t, "the last pod's rights", func(ctx context.Context) error { return granted(ctx, n, "last", "one") })
	if err := gone(t.Context(), lease(webhooktest.Namespace, "orders"), lease("kube-system", "orders"), lease(n, "bare")); err != nil {
		t.Error(err)
	}
}

func TestAPodWithTheLabelOfAnotherElectionGetsNothingNew(t *testing.T) {
	start(t, time.Hour)
	n := cluster.NewNamespace(t)
	cluster.NewPod(t, n, "a", "orders", "one")
	// Where the chart's policy is missing, a label can be changed later.
	cluster.NewPod(t, n, "b", "toys", "two", func(pod *corev1.Pod) { pod.Labels[injector.LabelElection] = "orders" })
	webhooktest.Eventually(t, "both rights", func(ctx context.Context) error {
		return errors.Join(granted(ctx, n, "orders", "one"), granted(ctx, n, "toys", "two"))
	})
	// What comes last is granted, so that what came before was seen.
	cluster.NewPod(t, n, "c", "orders", "three")
	webhooktest.Eventually(t, "the last pod's rights", func(ctx context.Context) error { return granted(ctx, n, "orders", "one", "three") })
	if err := granted(t.Context(), n, "toys", "two"); err != nil {
		t.Error(err)
	}
}

func TestASidecarCanTouchItsOwnLeaseAndNothingElse(t *testing.T) {
	start(t, time.Hour)
	n, other := cluster.NewNamespace(t), cluster.NewNamespace(t)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: n, Name: "one"}}
	cluster.NewPod(t, n, "a", "orders", "one")
	cluster.NewPod(t, n, "b", "theirs", "two")
	cluster.NewPod(t, other, "c", "orders", "one")
	webhooktest.Eventually(t, "all rights", func(ctx context.Context) error {
		return errors.Join(granted(ctx, n, "orders", "one"), granted(ctx, n, "theirs", "two"), granted(ctx, other, "orders", "one"))
	})

	token := &authenticationv1.TokenRequest{}
	if err := cluster.Admin.SubResource("token").Create(t.Context(), account, token); err != nil {
		t.Fatal(err)
	}
	config := rest.AnonymousClientConfig(cluster.Config)
	config.BearerToken = token.Status.Token
	sidecar, err := client.New(config, client.Options{Scheme: view.Scheme()})
	if err != nil {
		t.Fatal(err)
	}

	named := func(name string) []client.ListOption {
		return []client.ListOption{client.InNamespace(n), client.MatchingFields{metav1.ObjectNameField: name}}
	}
	touch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"holderIdentity":"a"}}`))
	webhooktest.Eventually(t, "its own lease", func(ctx context.Context) error { return sidecar.Patch(ctx, lease(n, "orders"), touch) })
	for name, err := range map[string]error{
		"get":  sidecar.Get(t.Context(), types.NamespacedName{Namespace: n, Name: "orders"}, lease(n, "orders")),
		"list": sidecar.List(t.Context(), &coordinationv1.LeaseList{}, named("orders")...),
	} {
		if err != nil {
			t.Errorf("it can't %s its own lease: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"patch another lease":         sidecar.Patch(t.Context(), lease(n, "theirs"), touch),
		"read another lease":          sidecar.Get(t.Context(), types.NamespacedName{Namespace: n, Name: "theirs"}, lease(n, "theirs")),
		"patch another namespace's":   sidecar.Patch(t.Context(), lease(other, "orders"), touch),
		"list all leases":             sidecar.List(t.Context(), &coordinationv1.LeaseList{}, client.InNamespace(n)),
		"delete its own lease":        sidecar.Delete(t.Context(), lease(n, "orders")),
		"create a lease":              sidecar.Create(t.Context(), lease(n, "new")),
		"replace its own lease":       sidecar.Update(t.Context(), lease(n, "orders")),
		"list secrets":                sidecar.List(t.Context(), &corev1.SecretList{}, client.InNamespace(n)),
		"list pods":                   sidecar.List(t.Context(), &corev1.PodList{}, client.InNamespace(n)),
		"create a pod":                sidecar.Create(t.Context(), webhooktest.Pod(n, "new")),
		"read its role":               sidecar.Get(t.Context(), client.ObjectKeyFromObject(role(n, "orders")), role(n, "orders")),
		"delete its role's binding":   sidecar.Delete(t.Context(), binding(n, "orders")),
		"make a token of the account": sidecar.SubResource("token").Create(t.Context(), account, &authenticationv1.TokenRequest{}),
	} {
		if !apierrors.IsForbidden(err) {
			t.Errorf("it can %s: %v", name, err)
		}
	}
}
