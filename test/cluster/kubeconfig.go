package cluster

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// writeKubeconfig writes a file that identifies one client. It holds the certificates
// themselves, so it may be copied anywhere on the machine.
func writeKubeconfig(path, server string, authority []byte, client keyPair) error {
	const name = "leaseholder"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: authority}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: client.certificate, ClientKeyData: client.key}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("write the kubeconfig %q: %w", path, err)
	}
	return nil
}

// hostServer is the API server's address for programs on the host. Loopback:
// clients never send requests to it to a proxy.
func (c *Cluster) hostServer() string {
	return "https://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(c.read().Port))
}

// nodeServer is the API server's address for programs in nodes.
func (c *Cluster) nodeServer() string {
	return "https://" + net.JoinHostPort(c.plan().gateway().String(), strconv.Itoa(c.read().Port))
}

// Gateway is the host's address in the cluster's network: where pods find what listens
// on the host for them.
func (c *Cluster) Gateway() string { return c.plan().gateway().String() }

func (c *Cluster) path(parts ...string) string {
	return filepath.Join(append([]string{c.dir}, parts...)...)
}
