package explain

import (
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/cmd/internal/settings"
	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/onelock"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// anew is the cure of a pod that admission did not see.
const anew = "delete the pod, so that its controller makes it anew through the webhook"

// policy is the label of the pod's namespace.
func (r *report) policy() injector.Policy {
	if r.namespace.value == nil {
		return injector.Unlabelled
	}
	return injector.Policy(r.namespace.value.Labels[injector.LabelInjection])
}

// injection says whether the pod has the sidecar, and why.
func (r *report) injection() {
	if r.election != "" {
		r.injected()
	} else {
		r.notInjected()
	}
	if r.election != "" && r.webhooks.err == nil && r.webhooks.value == nil {
		r.wrongf("install Leaseholder", "There is no webhook of Leaseholder in this cluster: nobody makes leases and rights, or labels the leader")
	}
	if r.namespace.err != nil {
		r.unread("the namespace and its label "+injector.LabelInjection, r.namespace.err)
	}
	if r.webhooks.err != nil {
		r.unread("webhook configurations", r.webhooks.err)
	}
}

func (r *report) injected() {
	inject, annotated := r.pod.Annotations[injector.AnnotationInject]
	switch policy := r.policy(); {
	case inject == "true":
		r.factf("It has the election sidecar: annotation %s is %q", injector.AnnotationInject, inject)
	case !annotated && (policy == injector.Require || policy == injector.Default):
		r.factf("It has the election sidecar: its namespace is labelled %s=%s", injector.LabelInjection, policy)
	default:
		r.factf("It has the election sidecar, though neither its annotation %s nor a label of its namespace asks for it now: "+
			"they were changed since, or it is a copy", injector.AnnotationInject)
	}
	if view.Excluded(r.pod.Namespace, r.ownNamespace()) {
		r.wrongf("run it in another namespace", "There are no elections in namespace %q, which belongs to Kubernetes or to Leaseholder itself, and so no rights", r.pod.Namespace)
	}
	for i := range r.pod.Spec.InitContainers {
		c := &r.pod.Spec.InitContainers[i]
		if c.Name != injector.ContainerName {
			continue
		}
		r.factf("It was injected with image %s", c.Image)
		r.tellLock()
		r.factf("Its election is %q, standby %s, with lease-duration %s, renew-deadline %s and retry-period %s",
			r.election, r.told(config.StandbyMode), r.told(config.LeaseDuration), r.told(config.RenewDeadline), r.told(config.RetryPeriod))
	}
}

// tellLock says where the lock is, if it is no Lease, and who has another one.
func (r *report) tellLock() {
	lock := view.LockOf(r.pod)
	if lock != config.Default().Lock {
		r.factf("Its lock is %s", lock)
	}
	if r.candidates.value == nil {
		return
	}
	if other, found := onelock.Find(*r.candidates.value, lock, ""); found {
		r.wrongf("end the pods with one of the locks: give all the same "+injector.AnnotationLock+", with spec.strategy.type Recreate, or by scaling to 0",
			"Pod %s of the same election has another lock, %s: each of the two can have a leader", other.Pod, other.Lock)
	}
}

// told is what the sidecar was told of a setting.
func (r *report) told(setting config.Setting) string { return view.Told(r.pod, setting) }

// notInjected names the first thing that explains it all by itself.
func (r *report) notInjected() {
	inject := r.pod.Annotations[injector.AnnotationInject]
	own := r.ownNamespace()
	policy := r.policy()
	asked := policy == injector.Require || policy == injector.Default
	for key := range r.pod.Annotations {
		asked = asked || strings.HasPrefix(key, injector.Prefix)
	}
	if _, mirror := r.pod.Annotations[corev1.MirrorPodAnnotationKey]; mirror {
		r.factf("It has no election sidecar: it mirrors a static pod, which no webhook can change")
		return
	}
	switch {
	case inject == "false":
		r.factf("It has no election sidecar: annotation %s is %q", injector.AnnotationInject, inject)
	case policy == injector.Forbid && !asked:
		r.factf("It has no election sidecar, and gets none: its namespace is labelled %s=%s", injector.LabelInjection, policy)
	case policy == injector.Forbid:
		r.wrongf("ask the namespace's administrator", "It has no election sidecar, and gets none: its namespace is labelled %s=%s", injector.LabelInjection, policy)
	case !asked:
		r.factf("It has no election sidecar: it has no annotation %s, and no label of its namespace gives it one. "+
			"To have one, annotate the pod template of its workload with %s: \"true\"", injector.AnnotationInject, injector.AnnotationInject)
	case view.Excluded(r.pod.Namespace, own):
		r.wrongf("run it in another namespace", "It has no election sidecar: there are no elections in namespace %q, which belongs to Kubernetes or to Leaseholder itself", r.pod.Namespace)
	default:
		r.unseen()
	}
}

// unseen explains a pod that should have been injected or refused. What the
// administrator has set is not known here.
func (r *report) unseen() {
	var chart settings.Flags
	chart.SetChart()
	d := injector.Decide(injector.Namespace{Name: r.pod.Namespace, Policy: r.policy()}, r.pod, chart.Complete(&settings.Reader{}))
	switch {
	case d.Reason == injector.CannotInject:
		r.factf("It has no election sidecar. By the chart's defaults, %s", d.Message)
		return
	case d.Outcome == injector.Refused:
		r.wrongf("correct the pod template of its workload", "It has no election sidecar, and by the chart's defaults it would be refused if it were made anew: %s", d.Message)
	default:
		r.factf("It has no election sidecar, though it asks for one")
	}
	switch {
	case r.webhooks.err != nil:
	case r.webhooks.value == nil:
		r.wrongf("install Leaseholder, then "+anew, "There is no webhook of Leaseholder in this cluster")
	case r.since.After(r.pod.CreationTimestamp.Time):
		r.wrongf(anew, "The pod was created before the webhook's configuration, by %s", r.since.Sub(r.pod.CreationTimestamp.Time))
	default:
		r.unaware()
	}
}

// unaware says what can have kept a webhook that is there from seeing a pod.
func (r *report) unaware() {
	for _, w := range *r.webhooks.value {
		if len(w.ClientConfig.CABundle) == 0 {
			r.wrongf("see the log of the webhook's pods, whose certificate is not trusted yet", "The API server does not trust the webhook %s: its configuration has no CA bundle", w.Name)
		}
		if w.FailurePolicy != nil && *w.FailurePolicy == admissionregistrationv1.Ignore {
			r.wrongf(anew+"; failurePolicy Fail would have refused it meanwhile",
				"The webhook %s has failurePolicy Ignore: the pod was created while it did not answer, or its annotation was set later", w.Name)
			return
		}
	}
	r.wrongf(anew, "The webhook's failurePolicy is Fail, so it was not asked: the annotation or the namespace's label was set after the pod was created, or the webhook leaves this namespace out")
}

// ownNamespace is where the webhook runs, empty when that can't be read.
func (r *report) ownNamespace() string {
	if r.webhooks.value == nil {
		return ""
	}
	for _, w := range *r.webhooks.value {
		if w.ClientConfig.Service != nil {
			return w.ClientConfig.Service.Namespace
		}
	}
	return ""
}
