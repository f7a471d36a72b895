package lease_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/locktest"
)

var config *rest.Config

// TestMain runs the tests against a real kube-apiserver and etcd, which
// `make control-plane` builds and KUBEBUILDER_ASSETS names.
func TestMain(m *testing.M) {
	var server envtest.Environment
	// Otherwise the API server drops spec.strategy.
	server.ControlPlane.GetAPIServer().Configure().Append("feature-gates", "CoordinatedLeaderElection=true")
	var err error
	if config, err = server.Start(); err != nil {
		log.Fatalf("start a control plane (make control-plane, KUBEBUILDER_ASSETS=$PWD/bin/k8s): %v", err)
	}
	code := m.Run()
	if err := server.Stop(); err != nil {
		log.Fatalf("stop the control plane: %v", err)
	}
	os.Exit(code)
}

// name makes a Lease's name of a test's.
func name(t *testing.T) string {
	t.Helper()
	const longest = 63
	whole := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return '-'
	}, strings.ToLower(t.Name())) + "x"
	return strings.Trim(whole[max(0, len(whole)-longest):], "-")
}

func TestConformance(t *testing.T) {
	client := kubernetes.NewForConfigOrDie(config).CoordinationV1().Leases(metav1.NamespaceDefault)
	locktest.Run(t, func(t *testing.T) locktest.Backend {
		t.Helper()
		l, err := lease.New(config, metav1.NamespaceDefault, name(t))
		if err != nil {
			t.Fatal(err)
		}
		return locktest.Backend{Lock: l, Delete: func(ctx context.Context) error {
			return client.Delete(ctx, name(t), metav1.DeleteOptions{})
		}}
	})
}

func TestWriteKeepsWhatItDoesNotKnow(t *testing.T) {
	client := kubernetes.NewForConfigOrDie(config).CoordinationV1().Leases(metav1.NamespaceDefault)
	_, err := client.Create(t.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{
		Name: name(t), Labels: map[string]string{"team": "orders"}, Annotations: map[string]string{"note": "kept"},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := lease.New(config, metav1.NamespaceDefault, name(t))
	if err != nil {
		t.Fatal(err)
	}
	base, err := l.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Write(t.Context(), base, lock.Record{Holder: "a", Stamp: "a", Duration: 1e9, Token: 7}); err != nil {
		t.Fatal(err)
	}
	after, err := client.Get(t.Context(), name(t), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(after.Labels, after.Annotations)
	want := "map[team:orders] map[leaseholder.dev/holder:a leaseholder.dev/token:7 note:kept]"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAFreeLeaseReadsAsReleased(t *testing.T) {
	client := kubernetes.NewForConfigOrDie(config).CoordinationV1().Leases(metav1.NamespaceDefault)
	free := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name(t)}}
	lease.Free(free, time.Now())
	if _, err := client.Create(t.Context(), free, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	l, err := lease.New(config, metav1.NamespaceDefault, name(t))
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Read(t.Context())
	if err != nil || !s.Record.Released() {
		t.Errorf("it reads as %+v, %v", s.Record, err)
	}
}

func TestALeaseThatTheControlPlaneElectsForIsRefused(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := kubernetes.NewForConfigOrDie(config).CoordinationV1().Leases(metav1.NamespaceDefault)
	l, err := lease.New(config, metav1.NamespaceDefault, name(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Create(ctx); err != nil {
		t.Fatal(err)
	}
	base, err := l.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	patch := []byte(`{"spec":{"strategy":"OldestEmulationVersion","preferredHolder":"a"}}`)
	if _, err := client.Patch(ctx, name(t), types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	refused := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), `spec.strategy="OldestEmulationVersion" is refused`) {
			t.Errorf("%s: the error is %v", what, err)
		}
	}
	_, err = l.Read(ctx)
	refused("a read", err)
	refused("a watch", l.Watch(ctx, base.From, func(s lock.Snapshot) { t.Errorf("the watch tells %+v", s) }))
}
