package main

import (
	"fmt"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// userAgent names this program in the API server's log.
const userAgent = "leaseholder-webhook"

// loadConfig reads the files that KUBECONFIG names, or else takes the pod's
// own account.
func loadConfig(kubeconfig string) (*rest.Config, error) {
	config, err := readConfig(kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("find out how to reach the API server: %w", err)
	}
	config.UserAgent = userAgent
	// The API server paces its clients itself (priority and fairness); a limit here
	// would only hold back sidecars that wait for their rights.
	config.QPS = -1
	config.WarningHandlerWithContext = apiWarnings{next: rest.WarningLogger{}}
	return config, nil
}

func readConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		return rest.InClusterConfig()
	}
	rules := &clientcmd.ClientConfigLoadingRules{Precedence: filepath.SplitList(kubeconfig)}
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
}
