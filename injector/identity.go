package injector

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// Keys by which others give a pod an identity in their cloud, or keep it from a
// container.
const (
	azureUse  = "azure.workload.identity/use"
	azureSkip = "azure.workload.identity/skip-containers"
	eksSkip   = "eks.amazonaws.com/skip-containers"
)

// needsIdentity is the effect of a lock outside the cluster without a Secret.
const needsIdentity = "the sidecar reaches its lock only with an identity that the pod's surroundings give it"

// identity is what there is to know about a lock outside the cluster that no Secret
// opens: who gives the sidecar an identity there, and what of the pod keeps it away.
func identity(lock config.LockAddress, pod *corev1.Pod) (f Fault, found bool) {
	own := annotations(pod.Annotations)
	if _, secret := own[AnnotationLockSecret]; secret || lock.Scheme == "" || lock.InCluster() {
		return Fault{}, false
	}
	switch lock.Scheme {
	case config.LockAzureBlob:
		if skips(own[azureSkip], ";") {
			return own.fault(LockIdentity, azureSkip, "", notSkipped), true
		}
		use, labelled := pod.Labels[azureUse]
		return Fault{
			Reason: LockIdentity, Key: "metadata.labels[" + azureUse + "]", Value: use, Unset: !labelled,
			Allowed: `"true", for Azure's workload identity of the pod's service account, or a Secret with ` + AnnotationLockSecret,
		}, use != "true" // what gives it an identity can be seen
	case config.LockS3:
		if skips(own[eksSkip], ",") {
			return own.fault(LockIdentity, eksSkip, "", notSkipped), true
		}
		f.Allowed = "with EKS, an IAM role of the pod's service account (IRSA or Pod Identity); elsewhere a Secret"
	default: // config.LockGCS
		if pod.Spec.HostNetwork {
			return Fault{
				Reason: LockIdentity, Key: "spec.hostNetwork", Value: "true",
				Allowed: "false for GKE's workload identity, which tells pods by their own address, or a Secret with " + AnnotationLockSecret,
			}, true
		}
		f.Allowed = "with GKE, workload identity of the pod's service account; elsewhere a Secret"
	}
	return own.fault(LockIdentity, AnnotationLockSecret, "", f.Allowed), true
}

// notSkipped completes the sentence "allowed: …" for a list of those that get no
// identity.
const notSkipped = "no " + ContainerName + ", which is the sidecar, or a Secret with " + AnnotationLockSecret

// skips says whether a list names the sidecar.
func skips(list, separator string) bool {
	for name := range strings.SplitSeq(list, separator) {
		if strings.TrimSpace(name) == ContainerName {
			return true
		}
	}
	return false
}
