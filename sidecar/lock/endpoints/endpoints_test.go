package endpoints_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typedv1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/endpoints"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/locktest"
)

var config *rest.Config

// TestMain runs the tests against a real kube-apiserver and etcd, which
// `make control-plane` builds and KUBEBUILDER_ASSETS names.
func TestMain(m *testing.M) {
	var server envtest.Environment
	var err error
	if config, err = server.Start(); err != nil {
		log.Fatalf("start a control plane (make control-plane, KUBEBUILDER_ASSETS=$PWD/bin/k8s): %v", err)
	}
	config.WarningHandlerWithContext = rest.NoWarnings{}
	code := m.Run()
	if err := server.Stop(); err != nil {
		log.Fatalf("stop the control plane: %v", err)
	}
	os.Exit(code)
}

// name makes an object's name of a test's.
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

// typed is a client of Endpoints objects, as other people have one.
func typed() typedv1.EndpointsInterface {
	return kubernetes.NewForConfigOrDie(config).CoreV1().Endpoints(metav1.NamespaceDefault)
}

// open gives the lock of a test.
func open(t *testing.T) *endpoints.Endpoints {
	t.Helper()
	l, err := endpoints.New(config, metav1.NamespaceDefault, name(t))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// made makes an object by hand, and gives the lock on it.
func made(t *testing.T, annotations map[string]string) *endpoints.Endpoints {
	t.Helper()
	object := &corev1.Endpoints{ //nolint:staticcheck // this is the kind, deprecated or not
		ObjectMeta: metav1.ObjectMeta{Name: name(t), Labels: map[string]string{"team": "orders"}, Annotations: annotations},
		Subsets: []corev1.EndpointSubset{{ //nolint:staticcheck // the same
			Addresses: []corev1.EndpointAddress{{IP: "192.0.2.1"}},
			Ports:     []corev1.EndpointPort{{Port: 80}},
		}},
	}
	if _, err := typed().Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return open(t)
}

func TestConformance(t *testing.T) {
	locktest.Run(t, func(t *testing.T) locktest.Backend {
		t.Helper()
		return locktest.Backend{Lock: open(t), Delete: func(ctx context.Context) error {
			return typed().Delete(ctx, name(t), metav1.DeleteOptions{})
		}}
	})
}

func TestWriteKeepsWhatItDoesNotKnow(t *testing.T) {
	l := made(t, map[string]string{"note": "kept"})
	base, err := l.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e8, time.FixedZone("", 3600))
	if _, err := l.Write(t.Context(), base, lock.Record{Holder: "a", Stamp: "a", Duration: 10 * time.Second, Acquired: at, Renewed: at, Transitions: 2, Token: 7}); err != nil {
		t.Fatal(err)
	}
	after, err := typed().Get(t.Context(), name(t), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	subset := after.Subsets[0]
	got := fmt.Sprintln(after.Labels, after.Annotations, subset.Addresses[0].IP, subset.Ports[0].Port)
	want := `map[team:orders] map[control-plane.alpha.kubernetes.io/leader:{"holderIdentity":"a","leaseDurationSeconds":10,` +
		`"acquireTime":"2026-01-02T02:04:05Z","renewTime":"2026-01-02T02:04:05Z","leaderTransitions":2}` +
		` leaseholder.dev/holder:a leaseholder.dev/token:7 note:kept] 192.0.2.1 80` + "\n"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestANewObjectIsAnElectionsToKubernetes(t *testing.T) {
	if err := open(t).Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	object, err := typed().Get(t.Context(), name(t), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(object.Labels, object.Annotations)
	want := `map[app.kubernetes.io/managed-by:leaseholder leaseholder.dev/election:` + name(t) + `] ` +
		`map[control-plane.alpha.kubernetes.io/leader:{"holderIdentity":"","leaseDurationSeconds":0,"acquireTime":null,"renewTime":"1970-01-01T00:00:00Z","leaderTransitions":0}]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// heard counts the warnings that a client hears.
type heard struct{ warnings atomic.Int32 }

func (h *heard) HandleWarningHeaderWithContext(context.Context, int, string, string) {
	h.warnings.Add(1)
}

func TestAPIServersWarningsOfTheKindAreNotHeard(t *testing.T) {
	var theirs, ours heard
	warned := rest.CopyConfig(config)
	warned.WarningHandlerWithContext = &theirs
	if _, err := kubernetes.NewForConfigOrDie(warned).CoreV1().Endpoints(metav1.NamespaceDefault).List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	warned.WarningHandlerWithContext = &ours
	l, err := endpoints.New(warned, metav1.NamespaceDefault, name(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	if theirs.warnings.Load() == 0 || ours.warnings.Load() != 0 {
		t.Errorf("another client hears %d warnings, the lock %d", theirs.warnings.Load(), ours.warnings.Load())
	}
}

func TestAFreeObjectReadsAsReleased(t *testing.T) {
	object := metav1.ObjectMeta{}
	endpoints.Free(&object, time.Now())
	s, err := made(t, object.Annotations).Read(t.Context())
	if err != nil || !s.Record.Released() {
		t.Errorf("it reads as %+v, %v", s.Record, err)
	}
}

func TestRecordsOfOthers(t *testing.T) {
	at := time.Date(2016, 7, 8, 9, 10, 11, 0, time.UTC)
	tests := map[string]struct {
		annotations map[string]string
		want        lock.Record
	}{
		"a leader of 2016": {
			map[string]string{endpoints.LeaderAnnotation: `{"holderIdentity":"orders-0","leaseDurationSeconds":10,"acquireTime":"2016-07-08T09:10:11Z","renewTime":"2016-07-08T09:10:13Z","leaderTransitions":3}`},
			lock.Record{Holder: "orders-0", Duration: 10 * time.Second, Acquired: at, Renewed: at.Add(2 * time.Second), Transitions: 3},
		},
		"a leader of 2016 after one of ours": {
			map[string]string{
				endpoints.LeaderAnnotation: `{"holderIdentity":"orders-0","leaseDurationSeconds":10,"acquireTime":"2016-07-08T09:10:11Z","renewTime":"2016-07-08T09:10:11Z","leaderTransitions":4}`,
				"leaseholder.dev/holder":   "a_1_x", "leaseholder.dev/token": "8",
			},
			lock.Record{Holder: "orders-0", Stamp: "a_1_x", Token: 8, Duration: 10 * time.Second, Acquired: at, Renewed: at, Transitions: 4},
		},
		"a release of client-go": {
			map[string]string{endpoints.LeaderAnnotation: `{"holderIdentity":"","leaseDurationSeconds":1,"acquireTime":"2016-07-08T09:10:11Z","renewTime":"2016-07-08T09:10:11Z","leaderTransitions":4}`},
			lock.Record{Duration: time.Second, Acquired: at, Renewed: at, Transitions: 4},
		},
		"no record":          {nil, lock.Record{}},
		"a record of nobody": {map[string]string{endpoints.LeaderAnnotation: "{}"}, lock.Record{}},
		"a release of client-go before v0.20, which could be a hand edit": {
			map[string]string{endpoints.LeaderAnnotation: `{"holderIdentity":"","leaseDurationSeconds":0,"acquireTime":null,"renewTime":null,"leaderTransitions":4}`},
			lock.Record{Transitions: 4},
		},
		"a record of a later version": {
			map[string]string{endpoints.LeaderAnnotation: `{"holderIdentity":"b","leaseDurationSeconds":15,"acquireTime":null,"renewTime":null,"leaderTransitions":0,"strategy":"","preferredHolder":""}`},
			lock.Record{Holder: "b", Duration: 15 * time.Second},
		},
	}
	for what, test := range tests {
		t.Run(what, func(t *testing.T) {
			got, err := endpoints.Decode(test.annotations)
			got.Acquired, got.Renewed = got.Acquired.UTC(), got.Renewed.UTC()
			if err != nil || got != test.want {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, test.want)
			}
		})
	}
}

func TestARecordThatCannotBeReadIsRefused(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	l := open(t)
	if err := l.Create(ctx); err != nil {
		t.Fatal(err)
	}
	base, err := l.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	object, err := typed().Get(ctx, name(t), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"", "orders-0", `{"holderIdentity":`, `{"holderIdentity":"b","leaseDurationSeconds":1e12}`, `{"holderIdentity":["b"]}`} {
		object.Annotations[endpoints.LeaderAnnotation] = value
		if object, err = typed().Update(ctx, object, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		refused := func(what string, err error) {
			t.Helper()
			if want := fmt.Sprintf("the annotation control-plane.alpha.kubernetes.io/leader=%q is refused", value); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error is %v", what, err)
			}
		}
		_, err := l.Read(ctx)
		refused("a read", err)
		from := base.From
		base.From = lock.Version(object.ResourceVersion)
		refused("a watch", l.Watch(ctx, from, func(s lock.Snapshot) { t.Errorf("the watch tells %+v", s) }))
	}
}
