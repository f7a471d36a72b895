package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	kube "k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/test/bench/report"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// account is the service account of pods, waiting for rights: when a watch has shown
// the RoleBinding, it asks for the Lease again and again. To ask before would only be
// load.
type account struct {
	client kubernetes.Interface

	mu       sync.Mutex
	bindings map[string]chan struct{}
}

// impersonating is an administrator's configuration as somebody else.
func impersonating(config *kube.Config, user string) *kube.Config {
	config = kube.CopyConfig(config)
	config.Impersonate = kube.ImpersonationConfig{UserName: user}
	return config
}

// newAccount begins to watch; end ends that, and waits for it.
func newAccount(ctx context.Context, config *kube.Config) (a *account, end func(), err error) {
	namespace := namespaceOf(report.Leaseholder)
	a = &account{bindings: map[string]chan struct{}{}}
	if a.client, err = kubernetes.NewForConfig(impersonating(config, "system:serviceaccount:"+namespace+":default")); err != nil {
		return nil, nil, fmt.Errorf("make the account's client: %w", err)
	}
	watcher, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("make a client: %w", err)
	}
	w, err := watcher.RbacV1().RoleBindings(namespace).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, nil, fmt.Errorf("watch the bindings: %w", err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		for event := range w.ResultChan() {
			if b, ok := event.Object.(*rbacv1.RoleBinding); ok {
				a.note(b.Name)
			}
		}
	})
	return a, func() { w.Stop(); done.Wait() }, nil
}

// note takes down that a binding is there.
func (a *account) note(binding string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c, ok := a.bindings[binding]; ok {
		close(c)
		delete(a.bindings, binding)
	}
}

// bound is closed when an election has its RoleBinding, which it has not yet.
func (a *account) bound(election string) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := make(chan struct{})
	a.bindings[view.RightsPrefix+election] = c
	return c
}

// askAgain is between two questions of the account.
const askAgain = time.Millisecond

// awaitUse returns when the account has read the Lease.
func (a *account) awaitUse(ctx context.Context, bound <-chan struct{}, election string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-bound:
	case <-ctx.Done():
		return fmt.Errorf("wait for the rights of %q: %w", election, ctx.Err())
	}
	for {
		_, err := a.client.CoordinationV1().Leases(namespaceOf(report.Leaseholder)).Get(ctx, election, metav1.GetOptions{})
		if err == nil {
			return nil
		}
		if !apierrors.IsForbidden(err) {
			return fmt.Errorf("read the lease of %q: %w", election, err)
		}
		if err := pause(ctx, askAgain); err != nil {
			return fmt.Errorf("wait for the rights of %q: %w", election, err)
		}
	}
}

// threeObjects are those of an election, without labels: they are the floor's own.
func threeObjects(namespace, name string) []client.Object {
	e := view.Election{Namespace: namespace, Name: name}
	objects := []client.Object{rights.Lease(e, nil), rights.Role(e), rights.RoleBinding(e, []string{"default"})}
	for _, o := range objects {
		o.SetLabels(nil)
	}
	return objects
}
