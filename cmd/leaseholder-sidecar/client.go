package main

import (
	"fmt"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// clientConfig is what KUBECONFIG names, or else the pod's own account.
func clientConfig(getenv func(string) string) (*rest.Config, error) {
	c, err := rest.InClusterConfig()
	if path := getenv(clientcmd.RecommendedConfigPathEnvVar); path != "" {
		c, err = clientcmd.BuildConfigFromFlags("", path)
	}
	if err != nil {
		return nil, fmt.Errorf("find the API server (outside a pod, set KUBECONFIG): %w", err)
	}
	c.UserAgent = "leaseholder-sidecar/" + version
	return c, nil
}
