package sidecar

import (
	"fmt"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// clientConfig is what KUBECONFIG names, a list of files as kubectl takes it, or
// else the pod's own account.
func clientConfig(getenv func(string) string, agent string) (*rest.Config, error) {
	c, err := rest.InClusterConfig()
	if files := getenv(clientcmd.RecommendedConfigPathEnvVar); files != "" {
		rules := &clientcmd.ClientConfigLoadingRules{Precedence: filepath.SplitList(files)}
		c, err = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	}
	if err != nil {
		return nil, fmt.Errorf("find the API server (outside a pod, set KUBECONFIG): %w", err)
	}
	c.UserAgent = agent
	return c, nil
}
