package injector

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

const (
	// TokenVolume is the name of the volume with the sidecar's own token.
	TokenVolume = "leaseholder-token"
	// LockVolume is the name of the volume with the lock's credentials.
	LockVolume = "leaseholder-lock"
	// tokenPath is where client libraries look for a token.
	tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount"
	// tokenSeconds is the token's life in seconds, renewed by the kubelet: what
	// the API server itself asks for when it mounts a token.
	tokenSeconds = int64(3607)
)

// tokenVolume holds what the API server would mount by itself. The sidecar has
// one of its own, for a pod may say that no token is to be mounted.
func tokenVolume() corev1.Volume {
	seconds := tokenSeconds
	return corev1.Volume{
		Name: TokenVolume,
		VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{ExpirationSeconds: &seconds, Path: "token"}},
			{ConfigMap: &corev1.ConfigMapProjection{
				LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"},
				Items:                []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
			}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{
				{Path: "namespace", FieldRef: fieldRef("metadata.namespace")},
			}}},
		}}},
	}
}

// volumes are what the pod gets, all of them for the sidecar alone.
func (c *candidate) volumes() []corev1.Volume {
	if c.secret == "" {
		return []corev1.Volume{tokenVolume()}
	}
	return []corev1.Volume{tokenVolume(), lockVolume(c.secret)}
}

// mounts are those of the sidecar, one for each of its volumes.
func (c *candidate) mounts() []corev1.VolumeMount {
	if c.secret == "" {
		return []corev1.VolumeMount{tokenMount()}
	}
	return []corev1.VolumeMount{tokenMount(), lockMount()}
}

func tokenMount() corev1.VolumeMount {
	return corev1.VolumeMount{Name: TokenVolume, MountPath: tokenPath, ReadOnly: true}
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

func fieldRef(path string) *corev1.ObjectFieldSelector {
	return &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: path}
}
