package cluster

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
)

// maxNodes is the number of pod ranges in a cluster's own network.
const maxNodes = 16

// Options says what cluster to start.
type Options struct {
	// Nodes is the number of nodes, 1 to 16. Zero means 1.
	Nodes int

	// Dir is the directory for everything the cluster writes: its state, keys,
	// logs and the nodes' disks. It is created if missing; Stop and Down remove
	// what the cluster wrote there, and the directory if that empties it.
	// Required, and one cluster has it at a time.
	Dir string

	// Out receives lines of progress. Nil means none.
	Out io.Writer

	// Args adds arguments to programs by their names, for example
	// "kube-controller-manager": {"--node-monitor-grace-period=20s"}. The names
	// are etcd, kube-apiserver, kube-controller-manager, kube-scheduler,
	// kubelet and kube-proxy. A later argument wins over an earlier one.
	Args map[string][]string

	// Kubelet sets fields of every node's KubeletConfiguration
	// (kubelet.config.k8s.io/v1beta1), over the cluster's own; for example
	// "crashLoopBackOff": {"maxContainerRestartPeriod": "1s"}, which a test wants
	// that kills a container more than once.
	Kubelet map[string]any
}

func (o Options) complete() (Options, error) {
	if o.Dir == "" {
		return o, errors.New("start a cluster: no directory is given")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return o, fmt.Errorf("start a cluster in %q: %w", o.Dir, err)
	}
	o.Dir = dir
	if o.Nodes == 0 {
		o.Nodes = 1
	}
	if o.Nodes < 1 || o.Nodes > maxNodes {
		return o, fmt.Errorf("start a cluster of %d nodes: 1 to %d are possible", o.Nodes, maxNodes)
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	for name := range o.Args {
		if !extensible[name] {
			return o, fmt.Errorf("start a cluster: arguments are given for %q, which is none of its programs", name)
		}
	}
	return o, nil
}

var extensible = map[string]bool{
	"etcd": true, "kube-apiserver": true, "kube-controller-manager": true,
	"kube-scheduler": true, "kubelet": true, "kube-proxy": true,
}
