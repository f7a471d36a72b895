package injector

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"

	"gomodules.xyz/jsonpatch/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// Settings are the administrator's: no annotation can choose the image. They
// are only read, so one value can serve many calls at the same time.
type Settings struct {
	// Image is the image of a sidecar whose lock is in the cluster. It must be set.
	Image string
	// ImagePullPolicy is the sidecar's; when empty, the API server sets its default.
	ImagePullPolicy corev1.PullPolicy
	// Resources are the sidecar's where no annotation says otherwise. Requests and
	// limits of CPU and memory must be set, for a quota can demand each of them.
	Resources corev1.ResourceRequirements
	// CloudImage, CloudImagePullPolicy and CloudResources are the same for a sidecar whose
	// lock is outside the cluster, which is another program. They must be set as those.
	CloudImage           string
	CloudImagePullPolicy corev1.PullPolicy
	CloudResources       corev1.ResourceRequirements
	// LogLevel is the sidecar's where no annotation says otherwise, one of
	// config.LogLevels; the zero value is info.
	LogLevel slog.Level
	// Meshes are those whose proxies the pods of whole namespaces get. A mesh that
	// shows itself in a pod needs no entry. Default: none.
	Meshes []Mesh
	// APIServer is where pods reach the API server: the address and the port of the
	// Service "kubernetes". When it is the zero value, traffic to it is not kept out
	// of a mesh's proxy.
	APIServer netip.AddrPort
}

// Decision is what becomes of one pod.
type Decision struct {
	// Outcome says whether the pod is injected, let in as it is, or refused.
	Outcome Outcome
	// Reason is the stable code; of several faults the gravest has its say.
	Reason Reason
	// Message explains the decision in one line. A refusal's names every
	// fault, and of more than a hundred counts the rest.
	Message string
	// Faults is why a pod is refused or, with CannotInject, left alone, sorted by
	// key; empty otherwise.
	Faults []Fault
	// Patch is what is to be applied to the pod as it arrived, made of "add"
	// operations alone. It is empty when nothing is to be changed.
	Patch []jsonpatch.Operation
	// Warnings is what the user should know, one sentence each. Set when Injected.
	Warnings []string
	// Election is the election of a pod that is or was injected, empty otherwise.
	// When no annotation names it, it is "<kind>-<workload>" in lower case, a
	// DNS-1123 label: "deployment-orders" for every revision of that Deployment.
	Election string
	// Standby is what a standby of that election looks like, empty with Election.
	Standby config.Standby
	// Lock is where the election's lock is, the zero value with Election.
	Lock config.LockAddress
	// Workload is what the pod is of, see WorkloadOf. Set with Election.
	Workload string
	// Named says that an annotation names the election. Set with Election.
	Named bool

	notes []Finding
}

// Noted is the decision with what only the cluster tells, and what refuses no pod: a
// sentence more in the warnings, and in the findings about a workload.
func (d Decision) Noted(reason Reason, message string) Decision {
	d.Warnings = append(slices.Clip(d.Warnings), message)
	d.notes = append(slices.Clip(d.notes), Finding{Reason: reason, Message: speaker + message})
	return d
}

// Decide decides about a pod that is to be created in a namespace. It reads the
// pod, and changes nothing.
func Decide(ns Namespace, pod *corev1.Pod, s Settings) Decision {
	if _, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]; mirror {
		return skip(MirrorPod)
	}
	own := ownAnnotations(pod.Annotations)
	switch {
	case own[AnnotationInject] == "false":
		return leave(pod, InjectFalse)
	case len(own) == 0 && !ns.Policy.injects():
		return leave(pod, NotAnnotated)
	case ns.Policy == Forbid:
		return refuse([]Fault{forbidden(own, ns)})
	}

	c := newCandidate(ns, pod, s, own)
	if faults := c.faults(); len(faults) > 0 {
		// What came with the sidecar got it already, or claims to.
		if ns.Policy == Default && len(own) == 0 && c.sidecar < 0 {
			return leaveAlone(pod, faults)
		}
		return refuse(faults)
	}
	if c.sidecar >= 0 {
		d := c.decision(Skipped, AlreadyInjected)
		d.Patch = append(injectLabels(c), injectMeshes(c)...)
		return d
	}
	d := c.decision(Injected, c.asked())
	d.Warnings = c.warnings()
	for _, inject := range injections {
		d.Patch = append(d.Patch, inject(c)...)
	}
	return d
}

// faults is everything that is wrong with a candidate.
func (c *candidate) faults() []Fault {
	var faults []Fault
	for _, read := range readers {
		faults = append(faults, read(c)...)
	}
	// What the sidecar should look like is known only when all could be read.
	readable := len(faults) == 0
	for _, check := range checks {
		faults = append(faults, check(c)...)
	}
	ours := c.sidecar >= 0
	if readable {
		other := checkInjection(c)
		faults = append(faults, other...)
		ours = ours && len(other) == 0
	}
	if ours {
		return append(faults, forged(c.pod.Labels, LabelElection, LabelRole)...)
	}
	return append(faults, forged(c.pod.Labels)...)
}

func (c *candidate) decision(outcome Outcome, reason Reason) Decision {
	_, named := c.annotations[AnnotationElection]
	return Decision{
		Outcome:  outcome,
		Reason:   reason,
		Message:  fmt.Sprintf("%s: election %q, standby %s%s", reason.Sentence(), c.settings.Election, c.settings.Standby, c.toldLock()),
		Election: c.settings.Election,
		Standby:  c.settings.Standby,
		Lock:     c.settings.Lock,
		Workload: c.workload.String(),
		Named:    named,
	}
}

func skip(reason Reason) Decision {
	return Decision{Outcome: Skipped, Reason: reason, Message: reason.Sentence()}
}

// leave lets a pod in as it is, unless it claims to be injected.
func leave(pod *corev1.Pod, reason Reason) Decision {
	if faults := append(forged(pod.Labels), stray(pod)...); len(faults) > 0 {
		return refuse(faults)
	}
	return skip(reason)
}

// leaveAlone lets a pod in as it is whose namespace would give it the sidecar,
// but which can't have it.
func leaveAlone(pod *corev1.Pod, faults []Fault) Decision {
	d := leave(pod, CannotInject)
	if d.Outcome == Skipped {
		sortFaults(faults)
		d.Message += ": " + tell(faults)
		d.Faults = faults
	}
	return d
}

// Refuse is the decision of somebody who knows more than the pod says.
func Refuse(reason Reason, why string) Decision {
	return Decision{Outcome: Refused, Reason: reason, Message: refusal + why}
}

// LeaveAlone is what becomes of a pod that Refuse is about, if it only gets the
// sidecar because its namespace gives it by default.
func LeaveAlone(refused Decision) Decision {
	return Decision{
		Outcome: Skipped, Reason: CannotInject,
		Message: CannotInject.Sentence() + ": " + strings.TrimPrefix(refused.Message, refusal),
	}
}

// refusal begins the message of a refusal.
const refusal = "leaseholder refuses this pod: "

func refuse(faults []Fault) Decision {
	sortFaults(faults)
	return Decision{Outcome: Refused, Reason: gravest(faults), Message: refusal + tell(faults), Faults: faults}
}
