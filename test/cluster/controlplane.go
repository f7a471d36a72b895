package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
)

// certify makes the keys and kubeconfigs of the control plane and of an
// administrator.
func (c *Cluster) certify() error {
	dir := c.path("pki")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create a directory for the keys: %w", err)
	}
	authority, err := newAuthority("leaseholder-cluster")
	if err != nil {
		return err
	}
	c.authority = authority
	if err := authority.write(dir, "ca"); err != nil {
		return err
	}
	// Headers that name a user are believed from this one's clients alone.
	front, err := newAuthority("leaseholder-front-proxy")
	if err != nil {
		return err
	}
	if err := front.write(dir, "front-proxy-ca"); err != nil {
		return err
	}
	aggregator, err := front.issue(subject{name: "front-proxy-client"})
	if err != nil {
		return err
	}
	if err := aggregator.write(dir, "front-proxy-client"); err != nil {
		return err
	}

	p := c.plan()
	loopback := net.IPv4(127, 0, 0, 1)
	certificates := map[string]subject{
		"etcd": {name: "etcd", addresses: []net.IP{p.gateway().AsSlice(), loopback}},
		"kube-apiserver": {
			name:      "kube-apiserver",
			hosts:     []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
			addresses: []net.IP{p.gateway().AsSlice(), p.apiService().AsSlice(), loopback},
		},
		"apiserver-kubelet-client": {name: "kube-apiserver-kubelet-client", groups: []string{"system:masters"}},
	}
	for name, who := range certificates {
		pair, err := authority.issue(who)
		if err != nil {
			return err
		}
		if err := pair.write(dir, name); err != nil {
			return err
		}
	}
	private, public, err := newKey()
	if err != nil {
		return err
	}
	if err := (keyPair{certificate: public, key: private}).write(dir, "service-account"); err != nil {
		return err
	}

	clients := map[string]subject{
		c.Kubeconfig(): {name: "leaseholder-admin", groups: []string{"system:masters"}},
		c.path("pki", "kube-controller-manager.kubeconfig"): {name: "system:kube-controller-manager"},
		c.path("pki", "kube-scheduler.kubeconfig"):          {name: "system:kube-scheduler"},
	}
	for path, who := range clients {
		pair, err := authority.issue(who)
		if err != nil {
			return err
		}
		if err := writeKubeconfig(path, c.hostServer(), authority.pem, pair); err != nil {
			return err
		}
	}
	return nil
}

// Ports below those that the kernel gives to outgoing connections: none of those
// can take the API server's while it is down.
const firstPort, lastPort = 20000, 29999

// freePort is a TCP port nobody listens on at the moment.
func freePort() (int, error) {
	var errs []error
	for range 20 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		listener, err := net.ListenTCP("tcp4", &net.TCPAddr{Port: port})
		if err == nil {
			return port, listener.Close()
		}
		errs = append(errs, err)
	}
	return 0, fmt.Errorf("find a free port: %w", errors.Join(errs...))
}

// startControlPlane starts the programs of the host. The API server's clients
// among them wait for it: they would give up after 10 s, which a busy machine
// exceeds.
func (c *Cluster) startControlPlane(ctx context.Context) error {
	served := false
	for _, p := range c.controlPlane() {
		if !served && p.name != "etcd" && p.name != apiServer {
			if err := c.waitForAPIServer(ctx); err != nil {
				return err
			}
			served = true
		}
		if err := c.launch(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) waitForAPIServer(ctx context.Context) error {
	return c.waitFor(ctx, func(ctx context.Context) error {
		_, err := c.client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err
	})
}

func (c *Cluster) controlPlane() []program {
	p := c.plan()
	gateway := p.gateway().String()
	// The bridge's address is the cluster's own, so these ports are free.
	store, peer := "https://"+gateway+":2379", "https://"+gateway+":2380"
	key := func(name string) string { return c.path("pki", name) }

	programs := []program{
		{name: "etcd", argv: []string{
			"--name=leaseholder",
			"--data-dir=" + c.path("etcd"),
			"--listen-client-urls=" + store, "--advertise-client-urls=" + store,
			"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
			"--initial-cluster=leaseholder=" + peer,
			"--cert-file=" + key("etcd.crt"), "--key-file=" + key("etcd.key"),
			"--client-cert-auth", "--trusted-ca-file=" + key("ca.crt"),
			"--peer-cert-file=" + key("etcd.crt"), "--peer-key-file=" + key("etcd.key"),
			"--peer-client-cert-auth", "--peer-trusted-ca-file=" + key("ca.crt"),
			// The data is not worth waiting for the disk.
			"--unsafe-no-fsync",
		}},
		{name: apiServer, argv: []string{
			"--bind-address=0.0.0.0", "--secure-port=" + strconv.Itoa(c.read().Port),
			"--advertise-address=" + gateway,
			"--etcd-servers=" + store,
			"--etcd-cafile=" + key("ca.crt"), "--etcd-certfile=" + key("etcd.crt"), "--etcd-keyfile=" + key("etcd.key"),
			"--client-ca-file=" + key("ca.crt"),
			"--tls-cert-file=" + key("kube-apiserver.crt"), "--tls-private-key-file=" + key("kube-apiserver.key"),
			"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
			"--allow-privileged=true",
			"--service-cluster-ip-range=" + p.services().String(),
			"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
			"--service-account-key-file=" + key("service-account.crt"),
			"--service-account-signing-key-file=" + key("service-account.key"),
			"--kubelet-certificate-authority=" + key("ca.crt"),
			"--kubelet-client-certificate=" + key("apiserver-kubelet-client.crt"),
			"--kubelet-client-key=" + key("apiserver-kubelet-client.key"),
			"--kubelet-preferred-address-types=InternalIP",
			"--requestheader-client-ca-file=" + key("front-proxy-ca.crt"),
			"--requestheader-allowed-names=front-proxy-client",
			"--requestheader-username-headers=X-Remote-User",
			"--requestheader-group-headers=X-Remote-Group",
			"--requestheader-extra-headers-prefix=X-Remote-Extra-",
			"--proxy-client-cert-file=" + key("front-proxy-client.crt"),
			"--proxy-client-key-file=" + key("front-proxy-client.key"),
			// The host has routes to the pods, and no kube-proxy: this makes the
			// API server call webhooks at their Service's endpoints.
			"--enable-aggregator-routing=true",
		}},
	}
	for _, name := range []string{"kube-controller-manager", "kube-scheduler"} {
		config := key(name + ".kubeconfig")
		argv := []string{
			"--kubeconfig=" + config,
			// One copy of each, and nobody who asks for its metrics.
			"--leader-elect=false", "--secure-port=0",
			"--kube-api-qps=300", "--kube-api-burst=600",
		}
		if name == "kube-controller-manager" {
			argv = append(argv,
				"--use-service-account-credentials",
				"--service-account-private-key-file="+key("service-account.key"),
				"--root-ca-file="+key("ca.crt"),
				"--cluster-signing-cert-file="+key("ca.crt"), "--cluster-signing-key-file="+key("ca.key"),
			)
		}
		programs = append(programs, program{name: name, argv: argv})
	}
	for i, program := range programs {
		executable := c.read().Binaries.Kubernetes + "/" + program.name
		programs[i].argv = append(append([]string{executable}, program.argv...), c.options.Args[program.name]...)
	}
	return programs
}
