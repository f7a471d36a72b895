package check

import (
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
)

// What the configurations are called here.
const (
	podsWhat      = "Webhook for pods"
	workloadsWhat = "Webhook for workloads"
)

// notTrusted is what to look at when there is no CA bundle.
const notTrusted = "see the log of the webhook's pods, which publish their authority, or of what does so in their place"

// hook is one webhook of either kind.
type hook struct {
	name   string
	bundle []byte
	policy admissionregistrationv1.FailurePolicyType
}

// podHooks and workloadHooks are those of all configurations that are ours.
func (s *snapshot) podHooks() (name string, hooks []hook) {
	if s.mutating.value == nil {
		return "", nil
	}
	for _, c := range *s.mutating.value {
		name = c.Name
		for _, w := range c.Webhooks {
			hooks = append(hooks, hook{w.Name, w.ClientConfig.CABundle, orFail(w.FailurePolicy)})
		}
	}
	return name, hooks
}

func (s *snapshot) workloadHooks() (name string, hooks []hook) {
	if s.validating.value == nil {
		return "", nil
	}
	for _, c := range *s.validating.value {
		name = c.Name
		for _, w := range c.Webhooks {
			hooks = append(hooks, hook{w.Name, w.ClientConfig.CABundle, orFail(w.FailurePolicy)})
		}
	}
	return name, hooks
}

// orFail is the API's default.
func orFail(p *admissionregistrationv1.FailurePolicyType) admissionregistrationv1.FailurePolicyType {
	if p == nil {
		return admissionregistrationv1.Fail
	}
	return *p
}

// forPods judges the MutatingWebhookConfiguration.
func (s *snapshot) forPods() result {
	if s.mutating.err != nil {
		return unreadable(podsWhat, "MutatingWebhookConfigurations", s.mutating.err)
	}
	name, hooks := s.podHooks()
	if len(hooks) == 0 {
		return failf(podsWhat, "install Leaseholder, or upgrade its release", "there is no MutatingWebhookConfiguration of Leaseholder: no pod gets a sidecar")
	}
	if bare := namesOf(hooks, untrusted); bare != "" {
		return failf(podsWhat, notTrusted, "%s has no CA bundle for %s: the API server does not trust the webhook", name, bare)
	}
	if open := namesOf(hooks, ignoring); open != "" {
		return warnf(podsWhat, "set the chart's webhook.failurePolicy to Fail",
			"%s has failurePolicy Ignore for %s: while no replica answers, annotated pods start without a sidecar", name, open)
	}
	return okf(podsWhat, "%s, %d webhooks, each with a CA bundle and failurePolicy Fail", name, len(hooks))
}

// forWorkloads judges the ValidatingWebhookConfiguration, on which only warnings
// depend.
func (s *snapshot) forWorkloads() result {
	if s.validating.err != nil {
		return unreadable(workloadsWhat, "ValidatingWebhookConfigurations", s.validating.err)
	}
	name, hooks := s.workloadHooks()
	if len(hooks) == 0 {
		return warnf(workloadsWhat, "install Leaseholder, or upgrade its release",
			"there is no ValidatingWebhookConfiguration of Leaseholder: nobody is warned when a workload is applied")
	}
	if bare := namesOf(hooks, untrusted); bare != "" {
		return warnf(workloadsWhat, notTrusted, "%s has no CA bundle for %s: nobody is warned when a workload is applied", name, bare)
	}
	if closed := namesOf(hooks, func(h hook) bool { return !ignoring(h) }); closed != "" {
		return warnf(workloadsWhat, "upgrade the release: the chart's is Ignore",
			"%s has failurePolicy Fail for %s: while no replica answers, workloads can't be applied", name, closed)
	}
	return okf(workloadsWhat, "%s, %d webhooks, each with a CA bundle and failurePolicy Ignore", name, len(hooks))
}

func untrusted(h hook) bool { return len(h.bundle) == 0 }

func ignoring(h hook) bool { return h.policy == admissionregistrationv1.Ignore }

// namesOf lists the webhooks that something is true of.
func namesOf(hooks []hook, is func(hook) bool) string {
	var names []string
	for _, h := range hooks {
		if is(h) {
			names = append(names, h.name)
		}
	}
	return strings.Join(names, ", ")
}
