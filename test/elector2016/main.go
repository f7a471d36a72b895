// Command elector2016 stands in an election as the leader-elector sidecar of 2016 does
// (kubernetes/contrib, election): with its flags, its answer, its timing, and client-go's
// elector of that time on an Endpoints object. The elector that it links is the one of
// client-go 8 (2018): that of 2016, but for where the record is read and written, which
// has become a package of its own. It is a module of its own, because no program can link
// that and today's client-go.
//
// It says on standard output from when to when its answer names itself, in the lines of
// package event of the tests.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
)

// options are the flags of 2016.
type options struct {
	election, id, namespace, address string
	ttl                              time.Duration
	inCluster                        bool
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "elector2016:", err)
		os.Exit(1)
	}
}

func parse() (options, error) {
	var o options
	flag.StringVar(&o.election, "election", "", "the election's `name`, and that of its Endpoints object")
	// The image of 2016 set it so, where its user did not.
	host, err := os.Hostname()
	if err != nil {
		return o, err
	}
	flag.StringVar(&o.id, "id", host, "this participant's `name`")
	flag.StringVar(&o.namespace, "election-namespace", metav1.NamespaceDefault, "the election's `namespace`")
	flag.DurationVar(&o.ttl, "ttl", 10*time.Second, "how long a silent leader is respected")
	flag.StringVar(&o.address, "http", "", "the `address` at which to say who leads; empty: nowhere")
	flag.BoolVar(&o.inCluster, "use-cluster-credentials", false, "use the pod's own account, whatever KUBECONFIG says")
	// glog is client-go's log of that time, and has flags of its own.
	if err := flag.Set("logtostderr", "true"); err != nil {
		return o, err
	}
	flag.Parse()
	switch {
	case o.election == "":
		return o, errors.New("--election cannot be empty")
	case o.id == "":
		return o, errors.New("--id cannot be empty")
	}
	return o, nil
}

func run() error {
	o, err := parse()
	if err != nil {
		return err
	}
	config, err := rest.InClusterConfig()
	if file := os.Getenv("KUBECONFIG"); file != "" && !o.inCluster {
		config, err = clientcmd.BuildConfigFromFlags("", file)
	}
	if err != nil {
		return fmt.Errorf("find the API server: %w", err)
	}
	client, err := corev1.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	leader := &leader{id: o.id}
	elector, err := newElection(o, client, leader.is)
	if err != nil {
		return fmt.Errorf("make the election: %w", err)
	}
	if o.address == "" {
		say("standing")
		forever(elector)
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", o.address)
	if err != nil {
		return fmt.Errorf("say who leads: %w", err)
	}
	say("standing")
	go forever(elector)
	server := &http.Server{Handler: leader, ReadHeaderTimeout: time.Minute}
	return server.Serve(l)
}

// forever stands anew whenever the lead is lost.
func forever(e *leaderelection.LeaderElector) { wait.Forever(e.Run, 0) }

// leader is who leads, as this process says.
type leader struct {
	id string

	mu   sync.Mutex
	name string
}

// is takes in who leads; nobody knows where it is empty.
func (l *leader) is(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case name == l.id && l.name != l.id:
		say("leading")
	case name != l.id && l.name == l.id:
		say("stopped")
	}
	l.name = name
	fmt.Fprintln(os.Stderr, name, "is the leader")
}

// ServeHTTP gives the answer that applications poll.
func (l *leader) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	l.mu.Lock()
	name := l.name
	l.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string]string{"name": name})
}
