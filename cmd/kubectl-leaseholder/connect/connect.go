// Package connect finds the cluster and the namespace that a subcommand is about.
package connect

import (
	"fmt"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"
)

// Connect gives a client of the cluster that the flags and the user's kubeconfig
// name, and their namespace.
func Connect(flags *genericclioptions.ConfigFlags) (client kubernetes.Interface, namespace string, err error) {
	if namespace, _, err = flags.ToRawKubeConfigLoader().Namespace(); err != nil {
		return nil, "", fmt.Errorf("find the namespace: %w", err)
	}
	config, err := flags.ToRESTConfig()
	if err != nil {
		return nil, "", fmt.Errorf("find the cluster: %w", err)
	}
	if client, err = kubernetes.NewForConfig(config); err != nil {
		return nil, "", fmt.Errorf("connect to the cluster: %w", err)
	}
	return client, namespace, nil
}
