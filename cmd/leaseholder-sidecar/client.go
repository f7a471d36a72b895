package main

import (
	"fmt"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// clientConfig is the pod's own account, or what KUBECONFIG names.
func clientConfig(getenv func(string) string) (*rest.Config, error) {
	c, err := clientcmd.BuildConfigFromFlags("", getenv(clientcmd.RecommendedConfigPathEnvVar))
	if err != nil {
		return nil, fmt.Errorf("find the API server (set KUBECONFIG outside a pod): %w", err)
	}
	c.UserAgent = "leaseholder-sidecar/" + version
	return c, nil
}
