package injector

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

const (
	// maxName is the length of the longest DNS-1123 label.
	maxName = 63
	// hashLength is how many hexadecimal digits keep changed names apart.
	hashLength = 8
)

// workload is what made a pod, as far as its users name it.
type workload struct {
	// kind is in lower case; empty for a pod without a controller.
	kind, name string
}

// String is "kind/name", empty for a pod without a controller.
func (w workload) String() string {
	if w.kind == "" {
		return ""
	}
	return w.kind + "/" + w.name
}

// WorkloadOf names what a pod is of, such as "deployment/orders" for every revision
// of that Deployment; empty for a pod without a controller.
func WorkloadOf(pod *corev1.Pod) string { return workloadOf(pod).String() }

// DefaultElection is the election of a pod that names none; empty for a pod without
// a controller.
func DefaultElection(pod *corev1.Pod) string {
	w := workloadOf(pod)
	if w.kind == "" {
		return ""
	}
	return w.election()
}

// revisions are the workloads that own their pods through a ReplicaSet for each
// revision. Its name is the workload's with the hash that this label of its
// pods carries, and says nothing that should outlive the revision.
var revisions = []struct{ label, kind string }{
	{"pod-template-hash", "deployment"},
	{"rollouts-pod-template-hash", "rollout"}, // Argo Rollouts
}

// workloadOf finds the workload by the pod's controller.
func workloadOf(pod *corev1.Pod) workload {
	owner := metav1.GetControllerOfNoCopy(pod)
	if owner == nil {
		return workload{}
	}
	w := workload{kind: strings.ToLower(owner.Kind), name: owner.Name}
	if w.kind != "replicaset" {
		return w
	}
	for _, r := range revisions {
		hash := pod.Labels[r.label]
		if name, ok := strings.CutSuffix(w.name, "-"+hash); ok && hash != "" && name != "" {
			return workload{kind: r.kind, name: name}
		}
	}
	return w
}

// election is the default name of the workload's election: always a DNS-1123
// label, the same for the same workload, and with a hash of the whole name
// where a character had to be replaced or cut off.
func (w workload) election() string {
	whole := w.kind + "-" + w.name
	if config.ValidElection(whole) {
		return whole
	}
	sum := sha256.Sum256([]byte(whole))
	hash := hex.EncodeToString(sum[:])[:hashLength]
	readable := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		default:
			return '-'
		}
	}, whole)
	readable = strings.Trim(readable[:min(len(readable), maxName-1-hashLength)], "-")
	if readable == "" {
		return hash
	}
	return readable + "-" + hash
}
