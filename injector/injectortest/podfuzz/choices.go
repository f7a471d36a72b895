package podfuzz

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/randfill"
)

// choices fills the API's enumerations.
func (m *Maker) choices() []any {
	return []any{
		choice(m, corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever),
		choice(m, corev1.RestartPolicyAlways, corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever),
		choice(m, corev1.ContainerRestartPolicyAlways, corev1.ContainerRestartPolicyAlways, corev1.ContainerRestartPolicyNever),
		choice(m, corev1.ContainerRestartRuleActionRestart, corev1.ContainerRestartRuleActionRestartAllContainers),
		choice(m, corev1.ContainerRestartRuleOnExitCodesOpIn, corev1.ContainerRestartRuleOnExitCodesOpNotIn),
		choice(m, corev1.NodeInclusionPolicyHonor, corev1.NodeInclusionPolicyIgnore),
		choice(m, corev1.DNSClusterFirst, corev1.DNSClusterFirstWithHostNet, corev1.DNSDefault),
		choice(m, corev1.ProtocolTCP, corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP),
		choice(m, corev1.URISchemeHTTP, corev1.URISchemeHTTPS),
		choice(m, corev1.TerminationMessageReadFile, corev1.TerminationMessageFallbackToLogsOnError),
		choice(m, corev1.MountPropagationNone, corev1.MountPropagationHostToContainer),
		choice(m, corev1.RecursiveReadOnlyDisabled, corev1.RecursiveReadOnlyIfPossible),
		choice(m, corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute),
		choice(m, corev1.TolerationOpExists, corev1.TolerationOpEqual),
		choice(m, corev1.Linux, corev1.Linux, corev1.Windows),
		choice(m, corev1.SeccompProfileTypeRuntimeDefault, corev1.SeccompProfileTypeUnconfined),
		choice(m, corev1.AppArmorProfileTypeRuntimeDefault, corev1.AppArmorProfileTypeUnconfined),
		choice(m, corev1.Capability("NET_ADMIN"), corev1.Capability("ALL")),
		choice(m, corev1.DefaultProcMount, corev1.UnmaskedProcMount),
		choice(m, corev1.FSGroupChangeOnRootMismatch, corev1.FSGroupChangeAlways),
		choice(m, corev1.SupplementalGroupsPolicyMerge, corev1.SupplementalGroupsPolicyStrict),
		choice(m, corev1.StorageMediumDefault, corev1.StorageMediumMemory),
		choice(m, corev1.HostPathUnset, corev1.HostPathDirectory),
		choice(m, corev1.DoNotSchedule, corev1.ScheduleAnyway),
		choice(m, corev1.NodeSelectorOpExists, corev1.NodeSelectorOpDoesNotExist, corev1.NodeSelectorOpIn),
		choice(m, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist, metav1.LabelSelectorOpIn),
		choice(m, corev1.NotRequired, corev1.RestartContainer),
		choice(m, corev1.Signal("SIGTERM"), corev1.Signal("SIGUSR1")),
		choice(m, corev1.PersistentVolumeFilesystem),
		choice(m, corev1.ReadWriteOnce, corev1.ReadOnlyMany),
		choice(m, corev1.ResourceCPU, corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceMemory,
			corev1.ResourceEphemeralStorage, corev1.ResourceName("example.com/gpu")),
	}
}

// choice fills a type of its few values.
func choice[T ~string](m *Maker, values ...T) func(*T, randfill.Continue) {
	return func(v *T, c randfill.Continue) {
		*v = values[c.Intn(len(values))]
		if m.wild && c.Intn(5) == 0 {
			*v = T(m.text(c))
		}
	}
}
