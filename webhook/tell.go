package webhook

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/event"
)

// actionAdmit is the action of the Events, whose reasons are those of decisions.
const actionAdmit = "Admit"

// Events takes what is to be told on the owners of pods, without ever waiting.
type Events interface{ Offer(event.Event) }

var _ Events = (*event.Queue)(nil)

// disappointed says whether a pod does not get what it or its namespace asks for.
func disappointed(d injector.Decision) bool {
	return d.Outcome == injector.Refused || d.Reason == injector.CannotInject
}

// tell makes a decision known where people look that do not get what they asked
// for: on the pod's controller, to which nobody listens, or to whoever creates the
// pod by hand.
func (h *Handler) tell(request *admission.Request, pod *corev1.Pod, d *injector.Decision) {
	if !disappointed(*d) {
		return
	}
	owner := metav1.GetControllerOfNoCopy(pod)
	switch {
	case owner == nil && d.Outcome != injector.Refused: // a refusal is an answer by itself
		d.Warnings = append(d.Warnings, d.Brief(event.MaxNote))
	case owner != nil && h.o.Events != nil && !ptr.Deref(request.DryRun, false) && !h.excluded(request.Namespace) && plausible(request.Namespace, owner):
		h.o.Events.Offer(event.Event{
			Regarding: corev1.ObjectReference{
				APIVersion: owner.APIVersion, Kind: owner.Kind, Namespace: request.Namespace, Name: owner.Name, UID: owner.UID,
			},
			Type:     corev1.EventTypeWarning,
			Reason:   string(d.Reason),
			Action:   actionAdmit,
			Note:     d.Brief(event.MaxNote),
			Occasion: event.Digest(d.Message),
		})
	}
}

// longest is how long names are in Kubernetes, in bytes.
const longest = 253

// plausible says whether a controller can exist. The pod is not validated yet, and
// an Event about an object with a name of a megabyte would only take up room.
func plausible(namespace string, owner *metav1.OwnerReference) bool {
	for _, name := range []string{namespace, owner.APIVersion, owner.Kind, owner.Name, string(owner.UID)} {
		if len(name) > longest {
			return false
		}
	}
	return true
}
