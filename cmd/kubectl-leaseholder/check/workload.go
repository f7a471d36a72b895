package check

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/utils/ptr"
)

// leastVersion is the first Kubernetes with native sidecars and match conditions.
var leastVersion = version.MajorMinor(1, 30)

// apiServer judges the API server's version.
func (s *snapshot) apiServer() result {
	const what = "API server"
	if s.version.err != nil {
		return unreadable(what, "its version", s.version.err)
	}
	is, err := version.ParseGeneric(s.version.value.GitVersion)
	if err != nil {
		return unreadable(what, "its version", err)
	}
	if !is.AtLeast(leastVersion) {
		return failf(what, "upgrade the cluster",
			"version %s is older than %s, from which on there are native sidecars and match conditions", s.version.value.GitVersion, leastVersion)
	}
	return okf(what, "version %s", s.version.value.GitVersion)
}

// notFound is the result of a check in a namespace that is not known.
func (s *snapshot) notFound(what string) result {
	if s.mutating.err != nil || s.deployment.err != nil {
		return result{
			what: what, state: unknown, message: "you may not read what would show where Leaseholder is installed",
			next: []string{"name its namespace with --system-namespace"},
		}
	}
	return failf(what, "install Leaseholder", "Leaseholder is not installed: nothing in the cluster bears its labels (%s)", ofWebhook)
}

func (s *snapshot) deploymentName() string {
	if s.deployment.value == nil {
		return s.settings().service
	}
	return s.deployment.value.Name
}

// replicas judges the Deployment.
func (s *snapshot) replicas() result {
	const what = "Replicas"
	switch {
	case s.system == "":
		return s.notFound(what)
	case s.deployment.err != nil:
		return unreadable(what, fmt.Sprintf("Deployments in namespace %q", s.system), s.deployment.err)
	case s.deployment.value == nil:
		return failf(what, "install Leaseholder, or name its namespace with --system-namespace",
			"there is no Deployment of Leaseholder in namespace %q", s.system)
	}
	d := s.deployment.value
	wanted, ready := ptr.Deref(d.Spec.Replicas, 1), d.Status.ReadyReplicas
	name := fmt.Sprintf("Deployment %s/%s", d.Namespace, d.Name)
	described := fmt.Sprintf("see kubectl describe -n %s deployment/%s, and the log of its pods", d.Namespace, d.Name)
	switch {
	case ready == 0:
		return failf(what, described, "%s has %d of %d replicas ready: nobody answers for annotated pods", name, ready, wanted)
	case ready < wanted || d.Status.UpdatedReplicas < wanted || d.Status.ObservedGeneration < d.Generation:
		return warnf(what, described+"; or wait, if it is being upgraded", "%s has %d of %d replicas ready, %d of them of the latest revision",
			name, ready, wanted, d.Status.UpdatedReplicas)
	case wanted == 1:
		return warnf(what, "set the chart's replicas to 2", "%s has one replica: nobody answers for annotated pods while it restarts", name)
	}
	return okf(what, "%s has %d of %d replicas ready", name, ready, wanted)
}

// endpoints judges what the Service leads to.
func (s *snapshot) endpoints() result {
	const what = "Service"
	if s.system == "" {
		return s.notFound(what)
	}
	name := fmt.Sprintf("%s/%s", s.system, s.settings().service)
	if s.slices.err != nil {
		return unreadable(what, "EndpointSlices of "+name, s.slices.err)
	}
	ready := map[string]bool{}
	for i := range *s.slices.value {
		for _, e := range (*s.slices.value)[i].Endpoints {
			if ptr.Deref(e.Conditions.Ready, true) && len(e.Addresses) > 0 {
				ready[e.Addresses[0]] = true
			}
		}
	}
	if len(ready) == 0 {
		return failf(what, "see whether the Service is there, and its pods are ready", "%s has no ready endpoint: the API server reaches nobody", name)
	}
	return okf(what, "%s has %d ready endpoints", name, len(ready))
}
