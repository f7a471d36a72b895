package ownership

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
)

// Member is a pod of an election.
type Member struct {
	// Workload is what the pod is of, such as "deployment/orders"; empty for a pod
	// without a controller.
	Workload string
	// Named says that the pod names the election, instead of standing in that of its
	// workload's name.
	Named bool
}

// MemberOf is what a pod, cached or not, is in an election of that name. A name that
// is not its workload's can only come from an annotation, whatever became of that
// since.
func MemberOf(pod *corev1.Pod, election string) Member {
	_, annotated := pod.Annotations[injector.AnnotationElection]
	return Member{
		Workload: injector.WorkloadOf(pod),
		Named:    annotated || injector.DefaultElection(pod) != election,
	}
}

// MembersOf is MemberOf for each pod.
func MembersOf(pods []corev1.Pod, election string) []Member {
	members := make([]Member, len(pods))
	for i := range pods {
		members[i] = MemberOf(&pods[i], election)
	}
	return members
}
