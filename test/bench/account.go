package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	kube "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
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
func impersonating(as *kube.Config, user string) *kube.Config {
	as = kube.CopyConfig(as)
	as.Impersonate = kube.ImpersonationConfig{UserName: user}
	return as
}

// newAccount begins to watch; end ends that, and waits for it.
func newAccount(ctx context.Context, admin *kube.Config) (a *account, end func(), err error) {
	namespace := namespaceOf(report.Leaseholder)
	a = &account{bindings: map[string]chan struct{}{}}
	if a.client, err = kubernetes.NewForConfig(impersonating(admin, "system:serviceaccount:"+namespace+":default")); err != nil {
		return nil, nil, fmt.Errorf("make the account's client: %w", err)
	}
	watcher, err := kubernetes.NewForConfig(admin)
	if err != nil {
		return nil, nil, fmt.Errorf("make a client: %w", err)
	}
	// An API server under load ends the watch of a client that is slow: an informer
	// begins another.
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: cache.NewListWatchFromClient(watcher.RbacV1().RESTClient(), "rolebindings", namespace, fields.Everything()),
		ObjectType:    &rbacv1.RoleBinding{},
		Handler: cache.ResourceEventHandlerFuncs{AddFunc: func(object any) {
			if b, ok := object.(*rbacv1.RoleBinding); ok {
				a.note(b.Name)
			}
		}},
	})
	watching, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { informer.RunWithContext(watching) })
	end = func() {
		stop()
		done.Wait()
	}
	return a, end, until(ctx, "the bindings are watched", func() error {
		if !informer.HasSynced() {
			return errors.New("they are not")
		}
		return nil
	})
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

// threeObjects are those of an election, as the webhook makes them. That sees them too, and
// has nothing to do: there is no pod, and what no pod uses stays for an hour.
func threeObjects(namespace, name string) []client.Object {
	e := view.Election{Namespace: namespace, Name: name}
	return []client.Object{rights.Lease(e, config.Default().Lock, nil), rights.Role(e, config.Default().Lock), rights.RoleBinding(e, []string{"default"})}
}
