package view

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// What the webhook makes is labelled with these, and what does not carry them
// is never touched.
const (
	// LabelManagedBy is Kubernetes' label for the tool that manages an object.
	LabelManagedBy = config.LabelManagedBy
	// ManagedBy is its value on everything that Leaseholder made.
	ManagedBy = config.ManagedBy
)

// RightsPrefix begins the names of an election's Role and RoleBinding.
const RightsPrefix = "leaseholder-"

// Verbs are all that a sidecar uses on its Lease.
func Verbs() []string { return []string{"get", "list", "watch", "patch"} }

// Reporter is who tells what happened, in Events.
const Reporter = "leaseholder.dev/webhook"

// Ours says whether Leaseholder made the object.
func Ours(object metav1.Object) bool { return object.GetLabels()[LabelManagedBy] == ManagedBy }

// Excluded says whether a namespace is out of bounds: Kubernetes' own, and the
// one that the webhook itself runs in.
func Excluded(namespace, own string) bool {
	return namespace == own || strings.HasPrefix(namespace, "kube-")
}

// Election names one election: its Lease's namespace and name.
type Election struct{ Namespace, Name string }

// String is "namespace/name".
func (e Election) String() string { return e.Namespace + "/" + e.Name }
