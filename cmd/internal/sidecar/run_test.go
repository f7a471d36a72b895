package sidecar

import (
	"context"
	"encoding/json"
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

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/leaseholder-dev/leaseholder/sidecar/api"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
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
		"help":              {[]string{"--help"}, nil, exitOK, "LEASEHOLDER_RENEW_DEADLINE"},
		"version":           {[]string{"--version"}, nil, exitOK, program.Version},
		"an unknown flag":   {[]string{"--verbose"}, nil, exitUsage, "-verbose"},
		"an argument":       {[]string{"now"}, nil, exitUsage, `"now"`},
		"a bad setting":     {nil, map[string]string{"LEASEHOLDER_STANDBY": "asleep"}, exitUsage, `LEASEHOLDER_STANDBY="asleep"`},
		"an unknown lock":   {nil, map[string]string{"LEASEHOLDER_LOCK": "gs://shop-locks/orders"}, exitUsage, `LEASEHOLDER_LOCK="gs://shop-locks/orders" is refused, allowed: endpoints, lease, which`},
		"no cluster":        {nil, map[string]string{"KUBECONFIG": ""}, exitUsage, "KUBECONFIG"},
		"a taken API port":  {nil, map[string]string{"LEASEHOLDER_API_ADDRESS": taken.Addr().String()}, exitFailed, taken.Addr().String()},
		"a taken probeport": {nil, map[string]string{"LEASEHOLDER_PROBE_ADDRESS": taken.Addr().String()}, exitFailed, taken.Addr().String()},
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

func TestRunByHandItLeadsAndReleases(t *testing.T) {
	env := environment(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan int, 1)
	go func() { done <- program.run(ctx, nil, getenv(env), os.Stdout, os.Stderr) }()
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
	stop()
	if code := <-done; code != exitOK {
		t.Errorf("it exits with %d", code)
	}
	config, err := kubernetes.NewForConfig(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	l, err := config.CoordinationV1().Leases(metav1.NamespaceDefault).Get(t.Context(), "by-hand", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if r := lease.Decode(l); !r.Released() {
		t.Errorf("the lease reads %+v", r)
	}
}
