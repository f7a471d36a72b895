package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// startTimeout bounds a start without its compilations, which have no bound
// but the caller's context.
const startTimeout = 5 * time.Minute

// downTimeout bounds the removal of a cluster.
const downTimeout = time.Minute

// Cluster is a running cluster. Its methods may be called from several
// goroutines, those of one Node from one at a time.
type Cluster struct {
	dir     string
	out     io.Writer
	options Options
	config  *rest.Config
	client  kubernetes.Interface

	authority *authority
	nodes     []*Node

	// waiters reap the programs this process started; they end with those.
	waiters sync.WaitGroup

	mu     sync.Mutex
	state  state
	exited map[string]<-chan struct{}
}

// ErrRunning says that a directory holds a running cluster.
var ErrRunning = errors.New("the cluster is running")

// Start starts a cluster and returns when all its nodes are Ready and take
// pods. On an error, and when the context ends before that, it removes what it
// started. It compiles the programs first if they are not in the cache, which
// takes minutes, and installs the Debian packages that are missing.
//
// The cluster outlives the program; Stop or Down ends it. A directory with the
// remains of an interrupted start is cleaned first; one with a cluster that runs
// or is being started is refused with ErrRunning.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	if os.Geteuid() != 0 {
		return nil, errors.New("start a cluster: nodes need namespaces and mounts, run it as root")
	}
	groups, err := detectCgroups()
	if err != nil {
		return nil, err
	}
	if err := requirePackages(ctx, options.Out); err != nil {
		return nil, err
	}
	programs, err := build(ctx, options.Out)
	if err != nil {
		return nil, err
	}
	if err := clearRemains(ctx, options.Dir); err != nil {
		return nil, err
	}
	c, err := create(options, programs)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("start Kubernetes in %s, nodes: %d", options.Dir, options.Nodes)
	err = step(ctx, options.Out, what, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("it took longer than %s", startTimeout))
		defer cancel()
		return c.start(ctx, groups)
	})
	if err != nil {
		// The caller's context may be what ended the start.
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), downTimeout)
		defer cancel()
		return nil, errors.Join(err, c.Stop(clean))
	}
	return c, nil
}

// Open gives access to a running cluster that another program started. The
// error wraps ErrNoCluster if there is none.
//
// Nodes and the API server are killed and started through the Cluster opened
// last: an earlier one does not learn of it.
func Open(dir string) (*Cluster, error) {
	options, err := Options{Dir: dir}.complete()
	if err != nil {
		return nil, err
	}
	read, err := readState(options.Dir)
	if err != nil {
		return nil, err
	}
	boot, err := bootID()
	if err != nil {
		return nil, err
	}
	if !read.Running || read.Boot != boot {
		return nil, fmt.Errorf("open %q: %w, only the remains of one", options.Dir, ErrNoCluster)
	}
	options.Nodes, options.Args = read.Nodes, read.Args
	c := newCluster(options, read)
	if err := c.connect(); err != nil {
		return nil, err
	}
	return c, nil
}

func newCluster(options Options, s state) *Cluster {
	c := &Cluster{
		dir: options.Dir, out: options.Out, options: options,
		state: s, exited: map[string]<-chan struct{}{},
	}
	for i := range options.Nodes {
		c.nodes = append(c.nodes, &Node{cluster: c, index: i})
	}
	return c
}

// create makes the directory and its first state.
func create(options Options, programs binaries) (*Cluster, error) {
	_, err := os.Stat(options.Dir)
	fresh := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(options.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("create a cluster's directory: %w", err)
	}
	boot, err := bootID()
	if err != nil {
		return nil, err
	}
	starter, err := findProcess(os.Getpid())
	if err != nil {
		return nil, err
	}
	c := newCluster(options, state{
		Boot: boot, Starter: starter, CreatedDir: fresh, Network: -1, Nodes: options.Nodes,
		Args: options.Args, Binaries: programs, Processes: map[string]process{},
	})
	if err := c.state.write(options.Dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.path("logs"), 0o755); err != nil {
		return nil, fmt.Errorf("create a directory for the logs: %w", err)
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, groups cgroups) error {
	p, err := createBridge(c.dir)
	if err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	err = c.update(func(s *state) {
		s.Network, s.Port = p.index, port
		s.Cgroups = groups.dirs(p.cgroup())
	})
	if err != nil {
		return err
	}
	if err := p.openBridge(c.options.Nodes); err != nil {
		return err
	}
	if err := c.certify(); err != nil {
		return err
	}
	if err := c.connect(); err != nil {
		return err
	}
	if err := c.startControlPlane(ctx); err != nil {
		return err
	}
	begin, ctx := errgroup.WithContext(ctx)
	for _, node := range c.nodes {
		begin.Go(func() error { return node.create(ctx, groups) })
	}
	if err := begin.Wait(); err != nil {
		return err
	}
	return c.update(func(s *state) { s.Running = true })
}

// connect makes the clients of the cluster's administrator.
func (c *Cluster) connect() error {
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig())
	if err != nil {
		return fmt.Errorf("read the kubeconfig: %w", err)
	}
	// Tests create objects faster than the client's default of 5 a second, and
	// no proxy knows this cluster.
	config.QPS, config.Burst = 300, 600
	config.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("create a client: %w", err)
	}
	c.config, c.client = config, client
	return nil
}

// Stop removes the cluster, as Down does, and waits for the goroutines of this
// one.
func (c *Cluster) Stop(ctx context.Context) error {
	err := Down(ctx, c.dir)
	if err == nil {
		c.waiters.Wait()
	}
	return err
}

// Dir is the cluster's directory, with its logs in logs/.
func (c *Cluster) Dir() string { return c.dir }

// Kubeconfig is the path of a kubeconfig with all rights, for programs on the
// host.
func (c *Cluster) Kubeconfig() string { return c.path("kubeconfig") }

// RESTConfig is a copy of the configuration of a client with all rights.
func (c *Cluster) RESTConfig() *rest.Config { return rest.CopyConfig(c.config) }

// Kubectl is the path of the cluster's own kubectl.
func (c *Cluster) Kubectl() string { return c.read().Binaries.Kubernetes + "/kubectl" }

// Node is the i-th node, from 0; it panics if there is none.
func (c *Cluster) Node(i int) *Node { return c.nodes[i] }

// Nodes are all the nodes, killed ones too.
func (c *Cluster) Nodes() []*Node { return append([]*Node(nil), c.nodes...) }

// update changes the state and writes it before it returns.
func (c *Cluster) update(change func(*state)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.state)
	return c.state.write(c.dir)
}

func (c *Cluster) read() state {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

func (c *Cluster) process(name string) process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.Processes[name]
}

func (c *Cluster) plan() plan { return plan{index: c.read().Network} }
