package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	leaselock "github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

var cluster webhooktest.Cluster

func TestMain(m *testing.M) { os.Exit(webhooktest.Main(m, &cluster)) }

// election is one with three candidates, of which a leads.
type election struct {
	*testing.T
	namespace  string
	kubeconfig string
	lock       lock.Lock
	pods       map[string]*corev1.Pod
}

const name = "orders"

func newElection(t *testing.T) *election {
	t.Helper()
	user, err := cluster.Environment.AddUser(envtest.User{Name: "admin", Groups: []string{"system:masters"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := user.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	e := &election{T: t, namespace: cluster.NewNamespace(t), kubeconfig: filepath.Join(t.TempDir(), "kubeconfig"), pods: map[string]*corev1.Pod{}}
	if err := os.WriteFile(e.kubeconfig, kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, pod := range []string{"a", "b", "c"} {
		e.pods[pod] = cluster.NewPod(t, e.namespace, pod, name, "")
		cluster.SetReady(t, e.pods[pod], true)
	}
	if e.lock, err = leaselock.New(cluster.Config, e.namespace, name); err != nil {
		t.Fatal(err)
	}
	if err := e.lock.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.hold(t.Context(), "a")
	return e
}

// write writes a record on top of what the lock says, whoever writes meanwhile.
func (e *election) write(ctx context.Context, change func(r *lock.Record)) {
	e.Helper()
	for {
		now, err := e.lock.Read(ctx)
		if err != nil {
			e.Error(err)
			return
		}
		r := now.Record
		r.Duration, r.Renewed = 15*time.Second, time.Now()
		change(&r)
		if _, err = e.lock.Write(ctx, now, r); err == nil {
			return
		} else if !errors.Is(err, lock.ErrConflict) {
			e.Error(err)
			return
		}
	}
}

// reports makes the Lease a report of an election that is held in a store.
func (e *election) reports(change func(r *lock.Record)) {
	e.Helper()
	var err error
	if e.lock, err = leaselock.NewReport(cluster.Config, e.namespace, name); err != nil {
		e.Fatal(err)
	}
	e.write(e.Context(), func(r *lock.Record) {
		r.Reports = "gs://shop-locks/orders"
		change(r)
	})
}

// far is a leader in another cluster, whose pod has the name of one here.
func far(r *lock.Record) { r.Holder, r.Stamp = "a_u-far_1", "a_u-far_1" }

func (e *election) identity(pod string) string {
	return lock.Identity{Pod: pod, UID: string(e.pods[pod].UID), Start: "1"}.String()
}

// hold begins a term of the pod.
func (e *election) hold(ctx context.Context, pod string) {
	e.Helper()
	e.write(ctx, func(r *lock.Record) {
		r.Token++
		r.Holder, r.Stamp, r.StepDown, r.Preferred = e.identity(pod), e.identity(pod), "", ""
	})
}

// candidates do what a request asks for, and renew the lock all the time: the pod
// that next names takes the lead. It is not asked for itself again.
func (e *election) candidates(next func(preferred string) string) {
	e.Helper()
	var asked sync.Once
	webhooktest.Background(e.T, "candidates", func(ctx context.Context) error {
		// Often, and still seldom enough for a request to come between two renewals.
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			background := context.WithoutCancel(ctx)
			now, err := e.lock.Read(background)
			if err != nil {
				return err
			}
			if now.Record.StepDown != "" && now.Record.StepDown == now.Record.Holder {
				asked.Do(func() {
					e.write(background, func(r *lock.Record) { r.Holder, r.Stamp, r.StepDown = "", "", "" })
					e.hold(background, next(now.Record.Preferred))
				})
			} else {
				e.write(background, func(*lock.Record) {})
			}
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
		return nil
	})
}

// call calls the plugin.
func (e *election) call(args ...string) (out, warnings string, err error) {
	e.Helper()
	var stdout, stderr strings.Builder
	c := command(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &stdout, ErrOut: &stderr})
	c.SetArgs(append([]string{"--kubeconfig", e.kubeconfig, "-n", e.namespace}, args...))
	c.SilenceErrors = true
	err = c.ExecuteContext(e.Context())
	return stdout.String(), stderr.String(), err
}

// record is what the lock says.
func (e *election) record() lock.Record {
	e.Helper()
	now, err := e.lock.Read(e.Context())
	if err != nil {
		e.Fatal(err)
	}
	return now.Record
}

func TestTheLeadMovesAmongRenewals(t *testing.T) {
	preferred := func(preferred string) string { return preferred }
	for what, test := range map[string]struct {
		args     []string
		next     func(preferred string) string
		out, err string
	}{
		"step-down, and another leads": {
			[]string{"step-down", name},
			func(preferred string) string { return "b" + preferred },
			"election \"orders\": pod \"b\" leads, with token 2\n", "",
		},
		"transfer, and the pod leads": {
			[]string{"transfer", name, "--to", "c"},
			preferred,
			"election \"orders\": pod \"c\" leads, with token 2\n", "",
		},
		"transfer, and another leads": {
			[]string{"transfer", name, "--to", "c"},
			func(string) string { return "b" },
			"election \"orders\": pod \"b\" leads, with token 2\n", `pod "c" did not take the lead`,
		},
		"step-down, and the leader comes back": {
			[]string{"step-down", name},
			func(string) string { return "a" },
			"election \"orders\": pod \"a\" leads, with token 2\n", "no other candidate took the lead",
		},
	} {
		t.Run(what, func(t *testing.T) {
			e := newElection(t)
			e.candidates(test.next)
			out, warnings, err := e.call(test.args...)
			if out != test.out || warnings != "" {
				t.Errorf("it says %q, and warns %q", out, warnings)
			}
			if message := told(err); message != test.err {
				t.Errorf("the error is %q", message)
			}
		})
	}
}

func told(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestWithoutWaitingTheRequestIsMade(t *testing.T) {
	e := newElection(t)
	if err := cluster.Admin.Get(t.Context(), client.ObjectKeyFromObject(e.pods["b"]), e.pods["b"]); err != nil {
		t.Fatal(err)
	}
	cluster.SetReady(t, e.pods["b"], false)
	out, warnings, err := e.call("transfer", name, "--to", "b", "--wait=false")
	if err != nil || out != "election \"orders\": pod \"a\" is asked to hand over\n" {
		t.Errorf("it says %q, %v", out, err)
	}
	if warnings != "Warning: pod \"b\" is not ready\n" {
		t.Errorf("it warns %q", warnings)
	}
	if r := e.record(); r.StepDown != e.identity("a") || r.Preferred != "b" {
		t.Errorf("asked is %q, for %q", r.StepDown, r.Preferred)
	}
	// A request that names nobody takes the place of one that does.
	if _, _, err := e.call("step-down", name, "--wait=false"); err != nil {
		t.Error(err)
	}
	if r := e.record(); r.StepDown != e.identity("a") || r.Preferred != "" {
		t.Errorf("asked is %q, for %q", r.StepDown, r.Preferred)
	}
}

func TestAHolderThatDoesNotListen(t *testing.T) {
	e := newElection(t)
	out, _, err := e.call("step-down", name, "--timeout=100ms")
	want := `pod "a" was asked to hand election "orders" over; after 100ms, pod "a" leads, with token 1`
	if out != "" || told(err) != want {
		t.Errorf("it says %q, %v", out, err)
	}
}

func TestWhatCannotBeAskedIsRefused(t *testing.T) {
	for what, test := range map[string]struct {
		before func(e *election)
		args   []string
		want   string
	}{
		"no such election": {
			nil,
			[]string{"step-down", "order"},
			`there is no election "order" in namespace`,
		},
		"a lease that is somebody else's": {
			func(e *election) {
				theirs := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "theirs"}}
				if err := cluster.Admin.Create(e.Context(), theirs); err != nil {
					e.Fatal(err)
				}
			},
			[]string{"step-down", "theirs"},
			"it has no label app.kubernetes.io/managed-by=leaseholder",
		},
		"nobody leads": {
			func(e *election) { e.write(e.Context(), func(r *lock.Record) { r.Holder, r.Stamp = "", "" }) },
			[]string{"transfer", name, "--to", "b"},
			`nobody leads election "orders"`,
		},
		"a holder that is not ours": {
			func(e *election) { e.write(e.Context(), func(r *lock.Record) { r.Holder = "client-go" }) },
			[]string{"step-down", name},
			`the holder "client-go" of election "orders" is none of Leaseholder's sidecars, and would ignore the request`,
		},
		"a holder that was written by hand": {
			func(e *election) { e.write(e.Context(), func(r *lock.Record) { r.Holder = e.identity("b") }) },
			[]string{"step-down", name},
			"would ignore the request",
		},
		"a leader in another cluster": {
			func(e *election) { e.reports(far) },
			[]string{"step-down", name},
			`the leader "a" of election "orders", whose lock is gs://shop-locks/orders, is not in this cluster, and only its own can ask it: ` +
				`run "kubectl leaseholder step-down orders" there`,
		},
		"a pod of this cluster, by a leader in another": {
			func(e *election) { e.reports(far) },
			[]string{"transfer", name, "--to", "b"},
			`run "kubectl leaseholder transfer orders --elsewhere --to b" there`,
		},
		"a pod of another cluster, where the lock is in this one": {
			nil,
			[]string{"transfer", name, "--to", "z", "--elsewhere"},
			`the lock of election "orders" is lease, so no pod of another cluster is a candidate`,
		},
		"no pod is named": {
			nil,
			[]string{"transfer", name},
			`required flag(s) "to" not set`,
		},
		"no election is named": {
			nil,
			[]string{"step-down"},
			"accepts 1 arg(s), received 0",
		},
		"no time to wait": {
			nil,
			[]string{"step-down", name, "--timeout=0s"},
			"--timeout=0s: allowed: more than 0s",
		},
		"no such pod": {
			nil,
			[]string{"transfer", name, "--to", "z"},
			`there is no pod "z" in namespace`,
		},
		"a pod without the sidecar": {
			func(e *election) {
				if err := cluster.Admin.Create(e.Context(), webhooktest.Pod(e.namespace, "plain")); err != nil {
					e.Fatal(err)
				}
			},
			[]string{"transfer", name, "--to", "plain"},
			`pod "plain" is no candidate: it has no election sidecar`,
		},
		"a candidate of another election": {
			func(e *election) { cluster.NewPod(e.T, e.namespace, "d", "payments", "") },
			[]string{"transfer", name, "--to", "d"},
			`pod "d" is a candidate of election "payments", not of "orders"`,
		},
		"the leader": {
			nil,
			[]string{"transfer", name, "--to", "a"},
			`pod "a" leads election "orders" already`,
		},
		"a pod that is being deleted": {
			func(e *election) {
				keep := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":["example.com/keep"]}}`))
				if err := cluster.Admin.Patch(e.Context(), e.pods["b"], keep); err != nil {
					e.Fatal(err)
				}
				cluster.DeletePod(e.T, e.pods["b"])
			},
			[]string{"transfer", name, "--to", "b"},
			`pod "b" is being deleted`,
		},
		"a pod that has ended": {
			func(e *election) {
				cluster.SetStatus(e.T, e.pods["b"], func(s *corev1.PodStatus) { s.Phase = corev1.PodFailed })
			},
			[]string{"transfer", name, "--to", "b"},
			`pod "b" has ended`,
		},
	} {
		t.Run(what, func(t *testing.T) {
			e := newElection(t)
			if test.before != nil {
				test.before(e)
			}
			out, _, err := e.call(test.args...)
			if err == nil || !strings.Contains(err.Error(), test.want) || out != "" {
				t.Errorf("it says %q, and the error is %v", out, err)
			}
			if r := e.record(); r.StepDown != "" || r.Preferred != "" {
				t.Errorf("%q was asked, for %q", r.StepDown, r.Preferred)
			}
		})
	}
}

func TestStatusOfOneNamespaceAndOfAll(t *testing.T) {
	e, other := newElection(t), newElection(t)
	for what, test := range map[string]struct {
		args  []string
		other bool
	}{
		"one": {[]string{"status"}, false},
		"all": {[]string{"status", "-A"}, true},
	} {
		t.Run(what, func(t *testing.T) {
			out, _, err := e.call(test.args...)
			if err != nil || !strings.Contains(out, e.namespace) || strings.Contains(out, other.namespace) != test.other {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// Of the pod of another cluster nothing is known here but its name, which the report
// shows when it leads.
func TestTheLeadMovesToAnotherCluster(t *testing.T) {
	e := newElection(t)
	e.reports(func(*lock.Record) {})
	webhooktest.Background(t, "candidates", func(ctx context.Context) error {
		for ctx.Err() == nil {
			now, err := e.lock.Read(context.WithoutCancel(ctx))
			if err != nil {
				return err
			}
			if r := now.Record; r.StepDown == r.Holder && r.Preferred == "z" {
				e.write(context.WithoutCancel(ctx), func(r *lock.Record) {
					r.Holder, r.Stamp, r.Token, r.StepDown, r.Preferred = "z_u-far_1", "z_u-far_1", r.Token+1, "", ""
				})
				return nil
			}
		}
		return nil
	})
	out, _, err := e.call("transfer", name, "--to", "z", "--elsewhere")
	if err != nil || !strings.Contains(out, `pod "z" leads, with token 2`) {
		t.Errorf("it says %q, and the error is %v", out, err)
	}
	if out, _, err := e.call("status"); err != nil || !strings.Contains(out, "z (not here)") || !strings.Contains(out, "gs://shop-locks/orders") {
		t.Errorf("%v\n%s", err, out)
	}
}
