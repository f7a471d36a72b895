package cluster

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Node is one node of a cluster. A test that changes nodes does so from one
// goroutine for each.
type Node struct {
	cluster *Cluster
	index   int
}

const nodePrefix = "node-"

// nodeIndex reads a node's number from its name.
func nodeIndex(name string) (int, bool) {
	number, found := strings.CutPrefix(name, nodePrefix)
	index, err := strconv.Atoi(number)
	return index, found && err == nil
}

// Name is the name of the Node object: node-0, node-1 and so on.
func (n *Node) Name() string { return nodePrefix + strconv.Itoa(n.index) }

// Address is the node's IPv4 address, which the host reaches.
func (n *Node) Address() string { return n.cluster.plan().node(n.index).String() }

// Running tells whether the node has been started and not been killed.
func (n *Node) Running() bool { return n.process().alive() }

// Kill ends the node at once with all that runs on it, as a loss of power
// does. Its disk stays, with the images on it. It returns when everything has
// ended; that Kubernetes notices takes its node-monitor-grace-period, 50 s by
// default.
func (n *Node) Kill(ctx context.Context) error {
	running := n.process()
	n.cluster.forget(n.Name())
	if err := endNode(ctx, running); err != nil {
		return fmt.Errorf("kill %q: %w", n.Name(), err)
	}
	return n.cluster.routeServices()
}

// Start starts the node again after Kill, as switching its power on does, and
// returns when the node is Ready. Containers that ran before are started again
// by its kubelet if their pods are still there.
func (n *Node) Start(ctx context.Context) error {
	if n.Running() {
		return fmt.Errorf("start %q: it is running", n.Name())
	}
	if err := n.start(ctx); err != nil {
		return fmt.Errorf("start %q: %w", n.Name(), err)
	}
	return n.cluster.routeServices()
}

// Cut takes the node's network cable out: the node and its pods run on and
// reach one another, but nothing outside the node, nor the reverse.
func (n *Node) Cut() error {
	if err := n.cluster.plan().cut(n.index); err != nil {
		return fmt.Errorf("cut %q off: %w", n.Name(), err)
	}
	return n.cluster.routeServices()
}

// Heal puts the cable back in. It is no error if the node was not cut off.
func (n *Node) Heal() error {
	if err := n.cluster.plan().heal(n.index); err != nil {
		return fmt.Errorf("heal %q: %w", n.Name(), err)
	}
	return n.cluster.routeServices()
}

// routeServices sends the host's requests for Services by way of the first
// node that can take them.
func (c *Cluster) routeServices() error {
	p := c.plan()
	for _, node := range c.nodes {
		if node.Running() && p.connected(node.index) {
			return p.routeServices(node.index)
		}
	}
	return nil
}

func (n *Node) process() process { return n.cluster.process(n.Name()) }

// endNode ends the process that started a node and waits for the node's own
// first process: when that has ended, so has everything on the node.
func endNode(ctx context.Context, outer process) error {
	inner, err := outer.children()
	if err != nil {
		return err
	}
	if err := outer.end(ctx); err != nil {
		return err
	}
	for _, first := range inner {
		if err := first.end(ctx); err != nil {
			return err
		}
	}
	return nil
}

// create prepares a node's disk and starts the node.
func (n *Node) create(ctx context.Context, groups cgroups) error {
	for _, name := range []string{"run", "kubelet", "cni", "cni-conf", "log", "containerd", "plugins"} {
		if err := os.MkdirAll(n.disk(name), 0o755); err != nil {
			return fmt.Errorf("create the disk of %q: %w", n.Name(), err)
		}
	}
	if err := groups.create(n.cgroup()); err != nil {
		return fmt.Errorf("create %q: %w", n.Name(), err)
	}
	if err := os.WriteFile(n.disk("node.sh"), nodeScript, 0o755); err != nil {
		return fmt.Errorf("create %q: %w", n.Name(), err)
	}
	if err := n.configure(); err != nil {
		return fmt.Errorf("configure %q: %w", n.Name(), err)
	}
	if err := n.start(ctx); err != nil {
		return fmt.Errorf("start %q: %w", n.Name(), err)
	}
	return n.cluster.routeServices()
}

//go:embed node.sh
var nodeScript []byte

func (n *Node) start(ctx context.Context) error {
	c := n.cluster
	begin := time.Now()
	programs := c.read().Binaries
	argv := []string{
		"/usr/bin/unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child",
		"--mount-proc", "--propagation", "private",
		"/bin/sh", n.disk("node.sh"),
	}
	err := c.launch(ctx, program{
		name:  n.Name(),
		argv:  append(argv, c.options.Args["kubelet"]...),
		gated: true,
		env: []string{
			"NODE_NAME=" + n.Name(),
			"NODE_ADDRESS=" + n.Address(),
			"NODE_DISK=" + n.disk(),
			"NODE_LOGS=" + c.path("logs"),
			"NODE_KUBERNETES=" + programs.Kubernetes,
			"NODE_CONTAINERD=" + programs.Containerd,
			"NODE_PAUSE_IMAGE=" + pauseImage,
			"NODE_PROXY_ARGS=" + strings.Join(c.options.Args["kube-proxy"], " "),
		},
		before: func(ctx context.Context, pid int) error {
			if err := waitForNetwork(ctx, pid); err != nil {
				return err
			}
			return c.plan().connect(ctx, n.index, len(c.nodes), pid)
		},
	})
	if err != nil {
		return err
	}
	return c.waitFor(ctx, func(ctx context.Context) error { return n.ready(ctx, begin) })
}

// waitForNetwork returns when a process has left this one's network.
func waitForNetwork(ctx context.Context, pid int) error {
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return fmt.Errorf("read the own network: %w", err)
	}
	return poll(ctx, 5*time.Millisecond, func() (bool, error) {
		its, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "ns", "net"))
		if err != nil {
			return false, fmt.Errorf("read the network of process %d: %w", pid, err)
		}
		return its != own, nil
	})
}

// ready checks that the node is Ready, that the kubelet that says so is one
// started since a time, that it answers, and that pods can be created.
func (n *Node) ready(ctx context.Context, since time.Time) error {
	client := n.cluster.client
	node, err := client.CoreV1().Nodes().Get(ctx, n.Name(), metav1.GetOptions{})
	if err != nil {
		return err
	}
	var said time.Time
	for _, condition := range node.Status.Conditions {
		if condition.Type != corev1.NodeReady {
			continue
		}
		if condition.Status != corev1.ConditionTrue {
			return fmt.Errorf("%q is not ready: %s", n.Name(), condition.Message)
		}
		said = condition.LastHeartbeatTime.Time
	}
	if err := n.fresh(ctx, said, since); err != nil {
		return err
	}
	err = client.CoreV1().RESTClient().Get().Resource("nodes").Name(n.Name()).SubResource("proxy").Suffix("healthz").
		Do(ctx).Error()
	if err != nil {
		return fmt.Errorf("ask the kubelet of %q: %w", n.Name(), err)
	}
	// Pods of a namespace are refused until its account exists.
	_, err = client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
	return err
}

// fresh checks that a kubelet started since a time has been heard of: a node
// that was killed is called Ready until its absence is noticed. A kubelet tells
// first by the node's heartbeat when the node is new, and by its lease when it
// comes back.
func (n *Node) fresh(ctx context.Context, heartbeat, since time.Time) error {
	// Heartbeats are in whole seconds.
	if !heartbeat.Before(since.Truncate(time.Second)) {
		return nil
	}
	lease, err := n.cluster.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(ctx, n.Name(), metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("read the lease of %q: %w", n.Name(), err)
	}
	if lease.Spec.RenewTime == nil || lease.Spec.RenewTime.Time.Before(since) {
		return fmt.Errorf("%q is not ready: its kubelet has not been heard of", n.Name())
	}
	return nil
}

// socket is the node's containerd, seen from the host: the path leads through
// the node's own mounts.
func (n *Node) socket() (string, error) {
	running := n.process()
	if !running.alive() {
		return "", fmt.Errorf("reach containerd on %q: %w", n.Name(), errNotRunning)
	}
	return filepath.Join("/proc", strconv.Itoa(running.PID), "root", "run", "containerd", "containerd.sock"), nil
}

var errNotRunning = errors.New("the node is not running")

func (n *Node) disk(parts ...string) string {
	return n.cluster.path(append([]string{"nodes", n.Name()}, parts...)...)
}

func (n *Node) cgroup() string { return "/" + n.cluster.plan().cgroup() + "/" + n.Name() }

func (n *Node) ip() net.IP { return n.cluster.plan().node(n.index).AsSlice() }
