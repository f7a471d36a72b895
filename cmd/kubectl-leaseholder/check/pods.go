package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// kin are the pods of one workload of which the same is to be said.
type kin struct {
	namespace, workload, why string
}

// String names the workload, with its namespace.
func (k kin) String() string { return k.namespace + ": " + k.workload }

// restartable are the kinds that kubectl rollout restart knows.
var restartable = []string{"deployment", "statefulset", "daemonset"}

// cure makes the pods anew.
func (k kin) cure() string {
	kind, _, _ := strings.Cut(k.workload, "/")
	switch {
	case slices.Contains(restartable, kind):
		return fmt.Sprintf("kubectl rollout restart -n %s %s", k.namespace, k.workload)
	case kind == "pod":
		return "delete the pods that have no controller, and make them anew"
	}
	return fmt.Sprintf("delete the pods of %s in namespace %s, or wait for their end", k.workload, k.namespace)
}

func kinOf(pod *corev1.Pod, why string) kin {
	k := kin{namespace: pod.Namespace, workload: injector.WorkloadOf(pod), why: why}
	if k.workload == "" {
		k.workload = "pod/" + pod.Name
	}
	return k
}

// pods is a number of pods.
func pods(n int) string {
	if n == 1 {
		return "1 pod"
	}
	return fmt.Sprintf("%d pods", n)
}

// groups counts pods by kin, in the order in which they come.
type groups struct {
	order []kin
	pods  map[kin]int
	total int
}

func (g *groups) add(k kin) {
	if g.pods == nil {
		g.pods = map[kin]int{}
	}
	if g.pods[k] == 0 {
		g.order = append(g.order, k)
	}
	g.pods[k]++
	g.total++
}

func (g *groups) lines() []string {
	var lines []string
	for _, k := range g.order {
		lines = append(lines, fmt.Sprintf("%s, %s: %s", k, pods(g.pods[k]), k.why))
	}
	return some(lines)
}

func (g *groups) cures(cure func(kin) string) []string {
	var cures []string
	for _, k := range g.order {
		if c := cure(k); !slices.Contains(cures, c) {
			cures = append(cures, c)
		}
	}
	return some(cures)
}

// living calls f for every pod that runs, or will, where there are elections, with
// its sidecar if it has one.
func (s *snapshot) living(f func(pod *corev1.Pod, sidecar *corev1.Container)) {
	for i := range *s.pods.value {
		pod := &(*s.pods.value)[i]
		if pod.DeletionTimestamp != nil || view.Ended(pod) || view.Excluded(pod.Namespace, s.system) {
			continue
		}
		var sidecar *corev1.Container
		for j := range pod.Spec.InitContainers {
			if pod.Spec.InitContainers[j].Name == injector.ContainerName {
				sidecar = &pod.Spec.InitContainers[j]
			}
		}
		f(pod, sidecar)
	}
}

// missing finds pods that would not be what they are if they were made now: those
// that should have the sidecar, and those that should not be there at all.
func (s *snapshot) missing() result {
	const what = "Pods without a sidecar"
	if s.pods.err != nil {
		return unreadable(what, "the pods of all namespaces", s.pods.err)
	}
	var without, refused groups
	set := s.settings()
	since, known := s.since()
	s.living(func(pod *corev1.Pod, sidecar *corev1.Container) {
		if sidecar != nil {
			return
		}
		d := injector.Decide(injector.Namespace{Name: pod.Namespace, Policy: s.policyOf(pod.Namespace)}, pod, set.sidecar)
		switch {
		case d.Outcome == injector.Refused:
			refused.add(kinOf(pod, strings.Replace(d.Message, "refuses this pod", "would refuse them", 1)))
		case d.Outcome != injector.Injected:
		case !known:
			without.add(kinOf(pod, "when the webhook's configuration was made is not known"))
		case pod.CreationTimestamp.Before(&since):
			without.add(kinOf(pod, "made before the webhook's configuration"))
		case pod.CreationTimestamp.Equal(&since):
			without.add(kinOf(pod, "made in the same second as the webhook's configuration"))
		default:
			without.add(kinOf(pod, "made while the webhook was not asked: under failurePolicy Ignore, or before they or their namespace asked for it"))
		}
	})
	if without.total+refused.total == 0 {
		return okf(what, "every pod that asks for a sidecar has it")
	}
	r := result{what: what, state: warning, details: append(without.lines(), refused.lines()...), next: without.cures(kin.cure)}
	var told []string
	if without.total > 0 {
		told = append(told, pods(without.total)+" without the sidecar that is asked for")
	}
	if refused.total > 0 {
		told = append(told, pods(refused.total)+" that would be refused if made now")
		r.next = append(r.next, refused.cures(func(k kin) string {
			return fmt.Sprintf("correct the pod template of %s in namespace %s", k.workload, k.namespace)
		})...)
	}
	r.message = strings.Join(told, ", and ")
	return r
}

// since is when the webhook's configuration was made.
func (s *snapshot) since() (since metav1.Time, known bool) {
	if s.mutating.value == nil || len(*s.mutating.value) == 0 {
		return metav1.Time{}, false
	}
	return (*s.mutating.value)[0].CreationTimestamp, true
}

// outdated finds sidecars that are not what pods get now.
func (s *snapshot) outdated() result {
	const what = "Sidecars"
	switch {
	case s.pods.err != nil:
		return unreadable(what, "the pods of all namespaces", s.pods.err)
	case s.deployment.err != nil:
		return unreadable(what, "the Deployment, which names the sidecar's image", s.deployment.err)
	}
	set := s.settings()
	if set.image == "" {
		return result{
			what: what, state: unknown, message: "what image pods get is not known: no Deployment names it",
			next: []string{"mend what failed above"},
		}
	}
	var old groups
	all := 0
	wanted := map[string]bool{}
	s.living(func(pod *corev1.Pod, sidecar *corev1.Container) {
		if sidecar == nil {
			return
		}
		all++
		want := set.imageOf(pod)
		wanted[want] = true
		if sidecar.Image != want {
			old.add(kinOf(pod, "image "+sidecar.Image))
		}
	})
	if all == 0 {
		wanted[set.image] = true
	}
	images := strings.Join(slices.Sorted(maps.Keys(wanted)), " or ")
	if old.total == 0 {
		return okf(what, "%s with one, each with image %s", pods(all), images)
	}
	r := result{what: what, state: warning, message: fmt.Sprintf("%d of %d have another image than %s", old.total, all, images)}
	r.details, r.next = old.lines(), old.cures(kin.cure)
	return r
}
