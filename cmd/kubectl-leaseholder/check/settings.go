package check

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/cmd/internal/settings"
	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// installed is what the webhook's command line says.
type installed struct {
	// sidecar is what pods get; image is empty where the Deployment could not be read.
	sidecar injector.Settings
	image   string
	// service and secret are names; what the chart calls them where nothing is said.
	service, secret string
}

// settings reads the Deployment's arguments. What is not there, or can't be read, is
// as the chart has it.
func (s *snapshot) settings() installed {
	set := installed{service: "leaseholder-webhook", secret: "leaseholder-webhook-certificate"}
	said := map[string]string{}
	if s.deployment.value != nil {
		for _, c := range s.deployment.value.Spec.Template.Spec.Containers {
			for _, arg := range c.Args {
				if name, value, found := strings.Cut(strings.TrimPrefix(arg, "--"), "="); found {
					said[name] = value
				}
			}
		}
	}
	if name := said["service"]; name != "" {
		set.service = name
	}
	if name := said["certificate-secret"]; name != "" {
		set.secret = name
	}
	set.image = said[settings.FlagImage]
	var flags settings.Flags
	flags.SetChart()
	for _, f := range flags.All() {
		if value, found := said[f.Name]; found && value != "" {
			*f.Value = value
		}
	}
	set.sidecar = flags.Complete(&settings.Reader{}) // the webhook itself refuses what is wrong
	return set
}

// imageOf is the image that a pod's sidecar would get now, by its lock.
func (i installed) imageOf(pod *corev1.Pod) string {
	if !view.LockOf(pod).InCluster() {
		return i.sidecar.CloudImage
	}
	return i.image
}
