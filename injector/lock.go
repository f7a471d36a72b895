package injector

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// lockOf reads a pod's lock. One that is not allowed, which readSettings refuses,
// counts as the default, so that the rest of the pod can be judged.
func lockOf(own annotations) config.LockAddress {
	if value, given := own[AnnotationLock]; given {
		if lock, ok := config.ParseLock(value); ok {
			return lock
		}
	}
	return config.Default().Lock
}

// readLock reads the Secret with the lock's credentials.
func readLock(c *candidate) []Fault {
	name, given := c.annotations[AnnotationLockSecret]
	if !given {
		return nil
	}
	var faults []Fault
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		faults = append(faults, c.annotations.fault(InvalidValue, AnnotationLockSecret, "",
			"the name of a Secret in the pod's namespace, a DNS-1123 subdomain: at most 253 of a-z, 0-9, '-' and '.', "+
				"each part beginning and ending with a letter or digit"))
	}
	if _, ok := config.ParseLock(c.annotations[AnnotationLock]); c.lock.InCluster() && (ok || !c.says(AnnotationLock)) {
		other := c.annotations.fault(LockConflict, AnnotationLock, c.lock.String(), "")
		faults = append(faults, c.annotations.fault(LockConflict, AnnotationLockSecret, "",
			"no Secret with "+other.subject()+", which the pod's service account opens; only with a lock outside the cluster"))
	}
	c.secret = name
	return faults
}

// toldLock is what a message says of the lock: nothing of the default.
func (c *candidate) toldLock() string {
	if c.lock == config.Default().Lock {
		return ""
	}
	return ", lock " + quote(c.lock.String())
}

// image is that of the program that knows the pod's lock.
func (c *candidate) image() string {
	if c.lock.InCluster() {
		return c.admin.Image
	}
	return c.admin.CloudImage
}

func (c *candidate) pullPolicy() corev1.PullPolicy {
	if c.lock.InCluster() {
		return c.admin.ImagePullPolicy
	}
	return c.admin.CloudImagePullPolicy
}

func (c *candidate) defaultResources() *corev1.ResourceRequirements {
	if c.lock.InCluster() {
		return c.admin.Resources.DeepCopy()
	}
	return c.admin.CloudResources.DeepCopy()
}

// lockVolume holds the credentials. Its files can be read by every user, for only
// the sidecar mounts it, and which user that is some clusters choose.
func lockVolume(secret string) corev1.Volume {
	return corev1.Volume{
		Name:         LockVolume,
		VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: secret}},
	}
}

func lockMount() corev1.VolumeMount {
	return corev1.VolumeMount{Name: LockVolume, MountPath: config.LockCredentialsPath, ReadOnly: true}
}

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
