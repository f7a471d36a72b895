package injector

import (
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
