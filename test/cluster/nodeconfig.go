package cluster

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// pauseImage is the image of every pod's sandbox, made from build/pause.
const pauseImage = "leaseholder.internal/pause:1"

// configure writes the settings and keys of a node's programs to its disk,
// which is /run/node inside.
func (n *Node) configure() error {
	if err := n.certify(); err != nil {
		return err
	}
	if err := writeJSON(n.disk("kubelet.json"), n.kubeletConfig()); err != nil {
		return err
	}
	if err := writeJSON(n.disk("kube-proxy.json"), n.proxyConfig()); err != nil {
		return err
	}
	if err := writeJSON(n.disk("cni-conf", "10-leaseholder.conflist"), n.networkConfig()); err != nil {
		return err
	}
	snapshotter, err := snapshotterFor(n.disk())
	if err != nil {
		return err
	}
	settings := fmt.Sprintf(containerdConfig, snapshotter, pauseImage, quotedList(cniDirs))
	if err := os.WriteFile(n.disk("containerd.toml"), []byte(settings), 0o644); err != nil {
		return fmt.Errorf("write containerd's settings: %w", err)
	}
	return writeArchiveFile(n.disk("pause.tar"), Image{
		Name:       pauseImage,
		Files:      []File{{Path: "/pause", Source: filepath.Join(n.cluster.read().Binaries.Pause, "pause"), Mode: 0o755}},
		Entrypoint: []string{"/pause"},
		User:       "65535:65535",
	})
}

func (n *Node) certify() error {
	c := n.cluster
	node, err := c.authority.issue(subject{
		name: "system:node:" + n.Name(), groups: []string{"system:nodes"},
		hosts: []string{n.Name()}, addresses: []net.IP{n.ip()},
	})
	if err != nil {
		return err
	}
	if err := node.write(n.disk(), "kubelet"); err != nil {
		return err
	}
	if err := os.WriteFile(n.disk("ca.crt"), c.authority.pem, 0o644); err != nil {
		return fmt.Errorf("write the authority's certificate: %w", err)
	}
	if err := writeKubeconfig(n.disk("kubelet.kubeconfig"), c.nodeServer(), c.authority.pem, node); err != nil {
		return err
	}
	proxy, err := c.authority.issue(subject{name: "system:kube-proxy"})
	if err != nil {
		return err
	}
	return writeKubeconfig(n.disk("kube-proxy.kubeconfig"), c.nodeServer(), c.authority.pem, proxy)
}

func (n *Node) kubeletConfig() map[string]any {
	config := map[string]any{
		"apiVersion":     "kubelet.config.k8s.io/v1beta1",
		"kind":           "KubeletConfiguration",
		"address":        n.Address(),
		"authentication": map[string]any{"anonymous": map[string]any{"enabled": false}, "webhook": map[string]any{"enabled": true}, "x509": map[string]any{"clientCAFile": "/run/node/ca.crt"}},
		"authorization":  map[string]any{"mode": "Webhook"},
		"tlsCertFile":    "/run/node/kubelet.crt", "tlsPrivateKeyFile": "/run/node/kubelet.key",
		"containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
		"volumePluginDir":          "/run/node/plugins",
		// No name server reaches these pods; without this the host's would be
		// written into them.
		"resolvConf": "",

		// The cgroup tree of the machine is shared with the other nodes.
		"cgroupDriver": "cgroupfs",
		"cgroupRoot":   n.cgroup(),
		// The kubelet refuses v1 unless told otherwise.
		"failCgroupV1": false,
		"failSwapOn":   false,

		// The limits of the user who started the cluster may be lower than the
		// kubelet's defaults, and raising them takes a capability that
		// containers usually lack.
		"maxOpenFiles": 20000,
		"oomScoreAdj":  0,

		// The disk is the machine's: what others fill is no reason to evict, and
		// images that cannot be pulled again must not be collected.
		"evictionHard":                map[string]string{"memory.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%", "imagefs.inodesFree": "0%"},
		"imageGCHighThresholdPercent": 100,
		"imageGCLowThresholdPercent":  99,
	}
	maps.Copy(config, n.cluster.options.Kubelet)
	return config
}

func (n *Node) proxyConfig() map[string]any {
	p := n.cluster.plan()
	return map[string]any{
		"apiVersion":       "kubeproxy.config.k8s.io/v1alpha1",
		"kind":             "KubeProxyConfiguration",
		"clientConnection": map[string]any{"kubeconfig": "/run/node/kube-proxy.kubeconfig"},
		"mode":             "nftables",
		// What comes from elsewhere, the host that is, is answered by way of the
		// node it came in by.
		"clusterCIDR":        p.pods().String(),
		"detectLocalMode":    "ClusterCIDR",
		"bindAddress":        n.Address(),
		"healthzBindAddress": n.Address() + ":10256",
		"metricsBindAddress": n.Address() + ":10249",
		// The limits of connections are the machine's, not a node's.
		"conntrack": map[string]any{"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
	}
}

func (n *Node) networkConfig() map[string]any {
	return map[string]any{
		"cniVersion": "1.0.0",
		"name":       "leaseholder",
		"plugins": []any{
			map[string]any{
				"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
				"ipam": map[string]any{
					"type":   "host-local",
					"ranges": []any{[]any{map[string]any{"subnet": n.cluster.plan().podsOf(n.index).String()}}},
					"routes": []any{map[string]any{"dst": "0.0.0.0/0"}},
				},
			},
			map[string]any{"type": "portmap", "capabilities": map[string]any{"portMappings": true}},
		},
	}
}

const containerdConfig = `version = 3
root = "/run/node/containerd"
state = "/run/containerd"

[plugins."io.containerd.cri.v1.images"]
  snapshotter = %q
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = %q

[plugins."io.containerd.cri.v1.runtime"]
  disable_apparmor = true
  tolerate_missing_hugetlb_controller = true
  # Lowering the score takes a capability that containers usually lack, and
  # no sandbox would start.
  restrict_oom_score_adj = true
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      SystemdCgroup = false
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = [%s]
    conf_dir = "/run/node/cni-conf"
`

func quotedList(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = strconv.Quote(word)
	}
	return strings.Join(quoted, ", ")
}

// snapshotterFor chooses how images become file systems: by overlays, unless
// the disk is itself one, in a container.
func snapshotterFor(dir string) (string, error) {
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err != nil {
		return "", fmt.Errorf("look at the file system of %q: %w", dir, err)
	}
	if disk.Type == unix.OVERLAYFS_SUPER_MAGIC {
		return "native", nil
	}
	return "overlayfs", nil
}

func writeJSON(path string, value any) error {
	content, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	if err := os.WriteFile(path, append(content, '\n'), 0o644); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	return nil
}
