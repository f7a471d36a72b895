// Package plane runs a real kube-apiserver and etcd for measurements, without
// nodes, and counts every request to the Leases of one namespace.
//
// etcd keeps its data in memory where there is a tmpfs, and does not wait for
// the disk, so that what is measured is Kubernetes and not this machine's disk.
// Every client has a user of its own, so that the audit log tells them apart;
// all but those of KubeconfigOf are in system:masters: authorization costs them
// nothing, and API priority and fairness lets them pass.
package plane

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
	"k8s.io/client-go/discovery"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Namespace is where the Leases are whose requests are counted.
const Namespace = "default"

// masters is the group that may do everything.
const masters = "system:masters"

// memory is where Linux distributions mount a tmpfs for everybody (shm_overview(7)).
const memory = "/dev/shm"

// Plane is a running control plane.
type Plane struct {
	// Version is Kubernetes' version, such as v1.37.2.
	Version string
	// InMemory says that etcd's data is in a tmpfs.
	InMemory bool
	// Audit is the log of the requests to the namespace's Leases.
	Audit *Audit

	server *envtest.Environment
	dir    string
	users  int
	admin  coordinationv1.LeaseInterface
}

// Start starts the programs in assets, a directory with kube-apiserver and etcd.
func Start(assets string) (*Plane, error) {
	parent, inMemory := os.TempDir(), isMemory(os.TempDir())
	if isMemory(memory) {
		parent, inMemory = memory, true
	}
	dir, err := os.MkdirTemp(parent, "leaseholder-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the control plane: %w", err)
	}
	p := &Plane{dir: dir, InMemory: inMemory, server: &envtest.Environment{BinaryAssetsDirectory: assets}}
	if err := p.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start a control plane from %q: %w", assets, err), p.Stop())
	}
	return p, nil
}

func (p *Plane) start() error {
	policy, log, data := filepath.Join(p.dir, "policy.yaml"), filepath.Join(p.dir, "audit.log"), filepath.Join(p.dir, "etcd")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		return err
	}
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	p.server.ControlPlane.GetAPIServer().Configure().
		Set("audit-policy-file", policy).
		Set("audit-log-path", log).
		// Written before the answer is complete, in megabytes before a new file
		// is begun, which never happens here.
		Set("audit-log-mode", "blocking").
		Set("audit-log-maxsize", "100000")
	p.server.ControlPlane.Etcd = &envtest.Etcd{DataDir: data}
	if _, err := p.server.Start(); err != nil {
		return err
	}
	admin, err := p.Client("bench-admin")
	if err != nil {
		return err
	}
	p.admin = admin
	p.Audit = &Audit{path: log, leases: admin}
	d, err := discovery.NewDiscoveryClientForConfig(p.server.Config)
	if err != nil {
		return err
	}
	version, err := d.ServerVersion()
	if err != nil {
		return err
	}
	p.Version = version.GitVersion
	return nil
}

// Stop ends the programs and removes what they wrote.
func (p *Plane) Stop() error {
	return errors.Join(p.server.Stop(), os.RemoveAll(p.dir))
}

// Leases is the client of an administrator.
func (p *Plane) Leases() coordinationv1.LeaseInterface { return p.admin }

// Client gives a client with a user and so connections of its own, and without
// a rate limiter.
func (p *Plane) Client(user string) (coordinationv1.LeaseInterface, error) {
	u, err := p.user(user, &rest.Config{QPS: -1})
	if err != nil {
		return nil, err
	}
	c, err := coordinationv1.NewForConfig(u.Config())
	if err != nil {
		return nil, fmt.Errorf("make a client for %q: %w", user, err)
	}
	return c.Leases(Namespace), nil
}

// Config gives a user's configuration for clients of all kinds, without a rate
// limiter.
func (p *Plane) Config(user string) (*rest.Config, error) {
	u, err := p.user(user, &rest.Config{QPS: -1})
	if err != nil {
		return nil, err
	}
	return u.Config(), nil
}

// Kubeconfig writes a kubeconfig for the user and gives its path.
func (p *Plane) Kubeconfig(user string) (string, error) {
	return p.KubeconfigOf(user, masters)
}

// KubeconfigOf is Kubeconfig of a user in these groups alone, who may do what is
// granted to them.
func (p *Plane) KubeconfigOf(user string, groups ...string) (string, error) {
	u, err := p.server.AddUser(envtest.User{Name: user, Groups: groups}, &rest.Config{})
	if err != nil {
		return "", fmt.Errorf("add the user %q: %w", user, err)
	}
	content, err := u.KubeConfig()
	if err != nil {
		return "", fmt.Errorf("make a kubeconfig for %q: %w", user, err)
	}
	p.users++
	path := filepath.Join(p.dir, "kubeconfig-"+strconv.Itoa(p.users))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return "", fmt.Errorf("write a kubeconfig for %q: %w", user, err)
	}
	return path, nil
}

func (p *Plane) user(name string, config *rest.Config) (*envtest.AuthenticatedUser, error) {
	u, err := p.server.AddUser(envtest.User{Name: name, Groups: []string{masters}}, config)
	if err != nil {
		return nil, fmt.Errorf("add the user %q: %w", name, err)
	}
	return u, nil
}

// isMemory says that a directory is in a tmpfs.
func isMemory(dir string) bool {
	var s unix.Statfs_t
	return unix.Statfs(dir, &s) == nil && s.Type == unix.TMPFS_MAGIC
}

// Missing says that a directory lacks the programs.
func Missing(assets string) bool {
	for _, name := range []string{"kube-apiserver", "etcd"} {
		if _, err := os.Stat(filepath.Join(assets, name)); errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}
