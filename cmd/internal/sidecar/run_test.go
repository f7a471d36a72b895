package sidecar

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/leaseholder-dev/leaseholder/sidecar/api"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/endpoints"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/memory"
)

var server envtest.Environment

var program = Program{Name: "leaseholder-sidecar", Version: "v0", Locks: InCluster()}

// TestMain runs the tests against a real kube-apiserver and etcd.
func TestMain(m *testing.M) {
	if _, err := server.Start(); err != nil {
		log.Fatalf("start a control plane (make control-plane, KUBEBUILDER_ASSETS=$PWD/bin/k8s): %v", err)
	}
	code := m.Run()
	if err := server.Stop(); err != nil {
		log.Fatalf("stop the control plane: %v", err)
	}
	os.Exit(code)
}

// Ports below those that the kernel gives to whoever asks for any.
const firstPort, lastPort = 10000, 19999

// given are the addresses that freeAddress has given.
var given sync.Map

// freeAddress is one that a sidecar can listen on, another at each call.
func freeAddress(t *testing.T) string {
	t.Helper()
	const attempts = 20
	for range attempts {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+rand.IntN(lastPort-firstPort+1)))
		listeners, err := api.Listen(t.Context(), address)
		if err != nil {
			continue
		}
		for _, l := range listeners {
			_ = l.Close()
		}
		if _, before := given.LoadOrStore(address, true); !before {
			return address
		}
	}
	t.Fatalf("no port of %d tried is free", attempts)
	return ""
}

// environment is that of a sidecar run by hand.
func environment(t *testing.T) map[string]string {
	t.Helper()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, server.KubeConfig, 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"KUBECONFIG":                 kubeconfig,
		"LEASEHOLDER_ELECTION":       "by-hand",
		"LEASEHOLDER_NAMESPACE":      metav1.NamespaceDefault,
		"LEASEHOLDER_POD_NAME":       "host",
		"LEASEHOLDER_POD_UID":        "1",
		"LEASEHOLDER_LEASE_DURATION": "6s",
		"LEASEHOLDER_RENEW_DEADLINE": "5s",
		"LEASEHOLDER_RETRY_PERIOD":   "1s",
		"LEASEHOLDER_API_ADDRESS":    freeAddress(t),
		"LEASEHOLDER_PROBE_ADDRESS":  freeAddress(t),
	}
}

func getenv(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

func TestExitCodes(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "") // these tests may run in a pod
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	tests := map[string]struct {
		args []string
		set  map[string]string
		code int
		says string
	}{
		"help":                {[]string{"--help"}, nil, exitOK, "LEASEHOLDER_RENEW_DEADLINE"},
		"help with durations": {[]string{"--help"}, nil, exitOK, "(default 15s, or 10s with lock endpoints)"},
		"help with a cluster": {[]string{"--help"}, nil, exitOK, "no cluster to be found for a lock in it"},
		"help with locks":     {[]string{"--help"}, nil, exitOK, "where the lock is: lease, endpoints; gs, azblob, s3 are known to leaseholder-sidecar-cloud (default lease)"},
		"version":             {[]string{"--version"}, nil, exitOK, program.Version},
		"an unknown flag":     {[]string{"--verbose"}, nil, exitUsage, "-verbose"},
		"an argument":         {[]string{"now"}, nil, exitUsage, `"now"`},
		"a bad setting":       {nil, map[string]string{"LEASEHOLDER_STANDBY": "asleep"}, exitUsage, `LEASEHOLDER_STANDBY="asleep"`},
		"an unknown lock":     {nil, map[string]string{"LEASEHOLDER_LOCK": "gs://shop-locks/orders"}, exitUsage, `LEASEHOLDER_LOCK="gs://shop-locks/orders" is refused, allowed: endpoints, lease, which`},
		"no cluster":          {nil, map[string]string{"KUBECONFIG": ""}, exitUsage, "KUBECONFIG"},
		"a taken API port":    {nil, map[string]string{"LEASEHOLDER_API_ADDRESS": taken.Addr().String()}, exitFailed, taken.Addr().String()},
		"a taken probeport":   {nil, map[string]string{"LEASEHOLDER_PROBE_ADDRESS": taken.Addr().String()}, exitFailed, taken.Addr().String()},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			env := environment(t)
			maps.Copy(env, test.set)
			var out strings.Builder
			before := log.Writer()
			if code := program.run(t.Context(), test.args, getenv(env), &out, &out); code != test.code {
				t.Errorf("it exits with %d, want %d", code, test.code)
			}
			if log.Writer() != before {
				t.Error("what libraries print still goes to where it has logged")
			}
			if !strings.Contains(out.String(), test.says) {
				t.Errorf("%q is not in %q", test.says, &out)
			}
		})
	}
}

// start runs a program until stop, which gives its exit code, and returns when it leads.
func start(t *testing.T, p Program, env map[string]string, out io.Writer) (stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int, 1)
	go func() { done <- p.run(ctx, nil, getenv(env), os.Stdout, out) }()
	err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+env["LEASEHOLDER_API_ADDRESS"]+"/leader", http.NoBody)
		if err != nil {
			return false, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, nil // it does not listen yet
		}
		defer func() { _ = response.Body.Close() }()
		var d struct {
			Name     string `json:"name"`
			IsLeader bool   `json:"isLeader"`
		}
		err = json.NewDecoder(response.Body).Decode(&d)
		return d.IsLeader && d.Name == "host", err
	})
	if err != nil {
		t.Fatalf("it does not lead: %v", err)
	}
	return func() int {
		cancel()
		return <-done
	}
}

// record is what the Lease of an election says.
func record(t *testing.T, election string) lock.Record {
	t.Helper()
	l, err := kubernetes.NewForConfigOrDie(server.Config).CoordinationV1().Leases(metav1.NamespaceDefault).Get(t.Context(), election, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return lease.Decode(l)
}

func TestRunByHandItLeadsAndReleases(t *testing.T) {
	t.Parallel()
	stop := start(t, program, environment(t), os.Stderr)
	if code := stop(); code != exitOK {
		t.Errorf("it exits with %d", code)
	}
	if r := record(t, "by-hand"); !r.Released() || r.Reports != "" {
		t.Errorf("the lease reads %+v", r)
	}
}

func TestAnElectionByAnotherLockIsReportedInTheLease(t *testing.T) {
	t.Parallel()
	env := environment(t)
	env["LEASEHOLDER_ELECTION"], env["LEASEHOLDER_POD_UID"], env["LEASEHOLDER_LOCK"] = "by-endpoints", "2", "endpoints"
	stop := start(t, program, env, os.Stderr)
	leases := kubernetes.NewForConfigOrDie(server.Config).CoordinationV1().Leases(metav1.NamespaceDefault)
	var l *coordinationv1.Lease
	reports := func(what string, is func(lock.Record) bool) {
		t.Helper()
		err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, time.Minute, true, func(ctx context.Context) (_ bool, err error) {
			if l, err = leases.Get(ctx, "by-endpoints", metav1.GetOptions{}); err != nil {
				return false, client.IgnoreNotFound(err)
			}
			return is(lease.Decode(l)), nil
		})
		if err != nil {
			t.Errorf("%s is not reported: %v", what, err)
		}
	}
	reports("its term", func(r lock.Record) bool {
		return r.Reports == "endpoints" && r.Stamped() && lock.PodName(r.Holder) == "host"
	})
	ask := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, lease.StepDownAnnotation, lease.Decode(l).Holder)
	if _, err := leases.Patch(t.Context(), "by-endpoints", types.MergePatchType, ask, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	reports("that it stepped down", func(r lock.Record) bool { return r.Released() && r.StepDown == "" })
	held, err := endpoints.New(server.Config, metav1.NamespaceDefault, "by-endpoints")
	if err != nil {
		t.Fatal(err)
	}
	err = wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		s, err := held.Read(ctx)
		return err == nil && s.Record.Released(), err
	})
	if err != nil {
		t.Errorf("the lock is not released: %v", err)
	}
	if code := stop(); code != exitOK {
		t.Errorf("it exits with %d", code)
	}
	if r := record(t, "by-endpoints"); !r.Released() || r.Reports != "endpoints" {
		t.Errorf("the lease reads %+v", r)
	}
}

// outside is a program that knows one lock outside the cluster, which is free.
func outside(t *testing.T) Program {
	t.Helper()
	l := memory.New()
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.Edit(func(r *lock.Record) { r.Mark = lock.ReleaseMark("nobody", r.Renewed) })
	return Program{Name: "leaseholder-sidecar-cloud", Version: "v0", Locks: Locks{
		config.LockGCS: func(context.Context, *rest.Config, config.Settings) (lock.Lock, error) { return l, nil },
	}}
}

func TestALockOutsideTheClusterNeedsNone(t *testing.T) {
	t.Parallel()
	unreachable := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(unreachable, []byte(`{"apiVersion":"v1","kind":"Config","current-context":"x",
		"contexts":[{"name":"x","context":{"cluster":"x"}}],"clusters":[{"name":"x","cluster":{"server":"http://127.0.0.1:1"}}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ uid, kubeconfig, says string }{
		"there is no such file":     {"3", filepath.Join(t.TempDir(), "none"), "reported nowhere"},
		"nobody answers in the one": {"4", unreachable, "does not report the election"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := environment(t)
			env["LEASEHOLDER_LOCK"], env["LEASEHOLDER_POD_UID"], env["KUBECONFIG"] = "gs://shop-locks/orders", test.uid, test.kubeconfig
			env["LEASEHOLDER_ELECTION"] = "outside"
			var out strings.Builder
			stop := start(t, outside(t), env, &out)
			if code := stop(); code != exitOK {
				t.Errorf("it exits with %d", code)
			}
			if !strings.Contains(out.String(), test.says) {
				t.Errorf("%q is not in\n%s", test.says, &out)
			}
		})
	}
}
