package injector

// Outcome is what becomes of a pod.
type Outcome string

// The outcomes.
const (
	// Injected pods get the sidecar: Decision.Patch adds it.
	Injected Outcome = "Injected"
	// Skipped pods are let in as they are, but for labels that are set back.
	Skipped Outcome = "Skipped"
	// Refused pods must not be let in: Decision.Message says why.
	Refused Outcome = "Refused"
)

// Reason is a stable code for why a decision was taken, fit for logs, events
// and metrics.
type Reason string

// The reasons of Injected.
const (
	// Annotated pods ask for the sidecar.
	Annotated Reason = "Annotated"
	// NamespaceInjects pods get the sidecar because of their namespace's Policy.
	NamespaceInjects Reason = "NamespaceInjects"
)

// The reasons of Skipped.
const (
	// NotAnnotated pods have no annotation of ours.
	NotAnnotated Reason = "NotAnnotated"
	// InjectFalse pods say that they want no sidecar.
	InjectFalse Reason = "InjectFalse"
	// CannotInject pods can't have the sidecar that their namespace gives by default.
	CannotInject Reason = "CannotInject"
	// MirrorPod is the API server's picture of a static pod, which no patch changes.
	MirrorPod Reason = "MirrorPod"
	// AlreadyInjected pods have the very sidecar that they would get.
	AlreadyInjected Reason = "AlreadyInjected"
)

// The reasons of Refused.
const (
	// WindowsPod pods run where the sidecar can't.
	WindowsPod Reason = "WindowsPod"
	// NoContainers pods have no application.
	NoContainers Reason = "NoContainers"
	// InjectionForbidden pods ask for a sidecar in a namespace that forbids it.
	InjectionForbidden Reason = "InjectionForbidden"
	// InjectMissing pods have annotations of ours, but do not say whether to inject.
	InjectMissing Reason = "InjectMissing"
	// UnknownAnnotation is a key of ours that this version does not know.
	UnknownAnnotation Reason = "UnknownAnnotation"
	// InvalidValue is an annotation with a value that is never allowed.
	InvalidValue Reason = "InvalidValue"
	// NoElection pods have no controller to name their election after, and name none.
	NoElection Reason = "NoElection"
	// TimingConflict is durations that do not fit together.
	TimingConflict Reason = "TimingConflict"
	// LockConflict is a lock that has no use for the Secret that is given to it.
	LockConflict Reason = "LockConflict"
	// ResourceConflict is requests and limits that do not fit together.
	ResourceConflict Reason = "ResourceConflict"
	// HostNetworkPorts pods use the node's network, and leave a port to its default.
	HostNetworkPorts Reason = "HostNetworkPorts"
	// PortConflict is a port that would be used twice.
	PortConflict Reason = "PortConflict"
	// NameTaken is a container, a volume or a mount with the name of ours.
	NameTaken Reason = "NameTaken"
	// OtherInjection is a sidecar that this webhook would have injected differently.
	OtherInjection Reason = "OtherInjection"
	// StraySidecar is a sidecar in a pod that does not ask for one.
	StraySidecar Reason = "StraySidecar"
	// TooMuchMetadata is more labels or annotations than a pod with the sidecar may have.
	TooMuchMetadata Reason = "TooMuchMetadata"
	// ForgedLabel is a label that only Leaseholder sets.
	ForgedLabel Reason = "ForgedLabel"
)

// sentences tells each reason. In a refusal of several faults, the one that
// comes first here gives the decision its reason.
var sentences = []struct {
	reason   Reason
	sentence string
}{
	{Annotated, "the pod asks for the election sidecar"},
	{NamespaceInjects, "the pod's namespace gives it the election sidecar"},
	{NotAnnotated, "the pod has no " + Prefix + " annotation"},
	{InjectFalse, "the pod says that it wants no election sidecar"},
	{CannotInject, "the pod gets no election sidecar, which its namespace gives by default, for it can't have one"},
	{MirrorPod, "the pod mirrors a static pod, which no patch changes"},
	{AlreadyInjected, "the pod has the election sidecar already"},
	{WindowsPod, "the pod is for Windows nodes, where the election sidecar does not run"},
	{NoContainers, "the pod has no container"},
	{InjectionForbidden, "the pod asks for an election sidecar, which its namespace forbids"},
	{InjectMissing, "the pod has " + Prefix + " annotations, but does not say whether to inject the election sidecar"},
	{UnknownAnnotation, "the pod has a " + Prefix + " annotation that this version does not know"},
	{InvalidValue, "a " + Prefix + " annotation of the pod has a value that is not allowed"},
	{NoElection, "the pod has no controller to name its election after, and does not name it"},
	{TimingConflict, "the durations of the pod's election do not fit together"},
	{LockConflict, "the pod's election has no use for the Secret of its lock"},
	{ResourceConflict, "the requests and limits of the pod's election sidecar do not fit together"},
	{HostNetworkPorts, "the pod uses the node's network, and does not choose both ports of the election sidecar"},
	{PortConflict, "the pod uses a port of the election sidecar"},
	{NameTaken, "the pod uses a name of the election sidecar"},
	{OtherInjection, "the pod came with an election sidecar that differs from what this webhook injects"},
	{StraySidecar, "the pod came with an election sidecar, but does not ask for one"},
	{TooMuchMetadata, "the pod has too many labels or annotations for the election sidecar"},
	{ForgedLabel, "the pod came with a " + Prefix + " label"},
}

// Reasons lists every reason.
func Reasons() []Reason {
	reasons := make([]Reason, len(sentences))
	for i, s := range sentences {
		reasons[i] = s.reason
	}
	return reasons
}

// Sentence explains a reason in one sentence, without a full stop.
func (r Reason) Sentence() string { return sentences[r.rank()].sentence }

func (r Reason) rank() int {
	for i, s := range sentences {
		if s.reason == r {
			return i
		}
	}
	panic("injector: no sentence for reason " + string(r))
}
