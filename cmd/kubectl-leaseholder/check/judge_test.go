package check

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"

	"github.com/leaseholder-dev/leaseholder/cmd/internal/settings"
	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/exit"
	"github.com/leaseholder-dev/leaseholder/injector"
)

func TestNothingIsWrongWithAHealthyInstallation(t *testing.T) {
	results := judge(healthy(t), now)
	if err := verdict(results, true); err != nil {
		t.Errorf("%v\n%s", err, tell(results))
	}
}

// TestWhatIsSaid breaks one thing, and wants to be told of that, and of nothing else.
func TestWhatIsSaid(t *testing.T) {
	gone := errors.New("gone")
	for what, test := range map[string]struct {
		change func(*snapshot)
		want   []string
	}{
		"an API server without native sidecars": {
			func(s *snapshot) { s.version.value.GitVersion = "v1.29.14" },
			[]string{"failed   API server: version v1.29.14 is older than 1.30"},
		},
		"an API server of unknown version": {
			func(s *snapshot) { s.version.value.GitVersion = "latest" },
			[]string{"unknown  API server: reading its version failed"},
		},
		"an API server that fails": {
			func(s *snapshot) { s.policies.err = gone },
			[]string{"unknown  Policies: reading ValidatingAdmissionPolicies failed: gone\n         Next: try again"},
		},
		"an expression with a fault": {
			func(s *snapshot) {
				(*s.policies.value)[len(policyNames())-1].Status.TypeChecking = &admissionregistrationv1.TypeChecking{
					ExpressionWarnings: []admissionregistrationv1.ExpressionWarning{{FieldRef: "spec.validations[0]", Warning: "no\n such field"}},
				}
			},
			[]string{"warning  Policies: the API server finds fault with an expression\n         - leaseholder-pod-policy: spec.validations[0]: no such field"},
		},
		"no Secret": {
			func(s *snapshot) { s.secret.value = nil },
			[]string{"failed   Certificate: there is no Secret leaseholder-system/leaseholder-webhook-certificate"},
		},
		"a Secret of another name": {
			func(s *snapshot) {
				s.deployment.value.Spec.Template.Spec.Containers[0].Args = []string{"--sidecar-image=" + image, "--certificate-secret=own"}
				s.secret.value = nil
			},
			[]string{"failed   Certificate: there is no Secret leaseholder-system/own"},
		},
		"no configuration for pods": {
			func(s *snapshot) { *s.mutating.value = nil },
			[]string{
				"failed   Webhook for pods: there is no MutatingWebhookConfiguration of Leaseholder",
				"unknown  Certificate: that in Secret leaseholder-system/leaseholder-webhook-certificate expires in 89 days, on 2026-04-01; there is no webhook for pods whose CA bundle could trust it",
			},
		},
		"a configuration without webhooks for pods": {
			func(s *snapshot) { (*s.mutating.value)[0].Webhooks = nil },
			[]string{"failed   Webhook for pods: there is no MutatingWebhookConfiguration", "unknown  Certificate: that in Secret"},
		},
		"no Deployment": {
			func(s *snapshot) { s.deployment.value = nil },
			[]string{`failed   Replicas: there is no Deployment of Leaseholder in namespace "leaseholder-system"`, "unknown  Sidecars: what image pods get is not known"},
		},
		"an upgrade under way": {
			func(s *snapshot) { s.deployment.value.Status.UpdatedReplicas = 1 },
			[]string{"warning  Replicas: Deployment leaseholder-system/leaseholder-webhook has 2 of 2 replicas ready, 1 of them of the latest revision"},
		},
		"a namespace that forbids the trial": {
			func(s *snapshot) {
				label(s, injector.Forbid)
				s.trial = trialOf{namespace: "shop", err: gone}
				*s.pods.value = nil
			},
			[]string{`unknown  Trial: namespace "shop" is labelled leaseholder.dev/injection=forbid: gone`},
		},
		"a namespace that is not there": {
			func(s *snapshot) {
				s.trial = trialOf{namespace: "shop", err: apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "shop")}
			},
			[]string{`unknown  Trial: there is no namespace "shop" to try a pod in`},
		},
		"somebody who may not even ask what they may": {
			func(s *snapshot) {
				s.trial = trialOf{namespace: "shop", unsure: forbidden("selfsubjectaccessreviews"), err: forbidden("pods")}
			},
			[]string{`unknown  Trial: a pod in namespace "shop" is refused, and whether you may create one there can't be asked (selfsubjectaccessreviews is forbidden: no): pods is forbidden: no`},
		},
		"a webhook that does not answer somebody who may not ask what they may": {
			func(s *snapshot) {
				s.trial = trialOf{namespace: "shop", unsure: forbidden("selfsubjectaccessreviews"), err: apierrors.NewInternalError(gone)}
			},
			[]string{`failed   Trial: an annotated pod in namespace "shop"`},
		},
		"a namespace with a wrong label": {
			func(s *snapshot) { label(s, "always") },
			[]string{"warning  Namespaces: 1 with a label that says nothing\n         - shop: leaseholder.dev/injection=\"always\""},
		},
		"pods from before the installation": {
			with(old(pod("StatefulSet", "a")), old(pod("StatefulSet", "a")), old(pod("Job", "b"))),
			[]string{
				"warning  Pods without a sidecar: 3 pods without the sidecar that is asked for\n" +
					"         - shop: statefulset/a, 2 pods: made before the webhook's configuration\n" +
					"         - shop: job/b, 1 pod: made before the webhook's configuration\n" +
					"         Next: kubectl rollout restart -n shop statefulset/a\n" +
					"         Next: delete the pods of job/b in namespace shop, or wait for their end\n",
			},
		},
		"a pod of a Deployment": {
			with(changed(pod("ReplicaSet", "a-1"), func(p *corev1.Pod) { p.Labels = map[string]string{"pod-template-hash": "1"} })),
			[]string{"- shop: deployment/a, 1 pod: made while the webhook was not asked", "Next: kubectl rollout restart -n shop deployment/a\n"},
		},
		"a pod as old as the installation": {
			with(changed(pod("StatefulSet", "a"), func(p *corev1.Pod) { p.CreationTimestamp = before(day) })),
			[]string{"- shop: statefulset/a, 1 pod: made in the same second as the webhook's configuration"},
		},
		"a pod that would be refused": {
			with(changed(pod("StatefulSet", "a"), func(p *corev1.Pod) { p.Annotations[injector.AnnotationStandby] = "asleep" })),
			[]string{
				"warning  Pods without a sidecar: 1 pod that would be refused if made now\n" +
					"         - shop: statefulset/a, 1 pod: leaseholder would refuse them: leaseholder.dev/standby=\"asleep\": allowed: ready, unready\n" +
					"         Next: correct the pod template of statefulset/a in namespace shop\n",
			},
		},
		"a pod in a namespace that gives the sidecar": {
			func(s *snapshot) {
				label(s, injector.Require)
				with(changed(pod("StatefulSet", "a"), func(p *corev1.Pod) { p.Annotations = nil }))(s)
			},
			[]string{"- shop: statefulset/a, 1 pod: made while", "- require: shop"},
		},
		"pods that are no candidates": {
			with(
				changed(pod("Job", "a"), func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }),
				changed(pod("Job", "a"), func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{Time: now} }),
				changed(pod("Job", "a"), func(p *corev1.Pod) { p.Namespace = "kube-system" }),
				changed(pod("Job", "a"), func(p *corev1.Pod) { p.Namespace = "leaseholder-system" }),
				changed(pod("Node", "a"), func(p *corev1.Pod) { p.Annotations[corev1.MirrorPodAnnotationKey] = "x" }),
				changed(pod("Job", "a"), func(p *corev1.Pod) { p.Annotations[injector.AnnotationInject] = "false" }),
				changed(pod("Job", "a"), func(p *corev1.Pod) { p.Annotations = nil }),
			), nil,
		},
		"a sidecar from before an upgrade": {
			func(s *snapshot) { (*s.pods.value)[0].Spec.InitContainers[0].Image = "sidecar:1" },
			[]string{
				"warning  Sidecars: 1 of 1 have another image than " + image + "\n         - shop: statefulset/ledger, 1 pod: image sidecar:1\n" +
					"         Next: kubectl rollout restart -n shop statefulset/ledger\n",
			},
		},
		"sidecars of both images": {
			func(s *snapshot) {
				cloud := func(image string) corev1.Pod {
					return changed(pod("Job", "a"), func(p *corev1.Pod) {
						c := (*s.pods.value)[0].Spec.InitContainers[0].DeepCopy()
						c.Image, c.Env = image, append(c.Env, corev1.EnvVar{Name: "LEASEHOLDER_LOCK", Value: "gs://shop-locks/orders"})
						p.Spec.InitContainers = []corev1.Container{*c}
					})
				}
				with(cloud(image), cloud(settings.ChartCloudImage))(s)
			},
			[]string{"warning  Sidecars: 1 of 3 have another image than " + settings.ChartCloudImage + " or " + image + "\n         - shop: job/a, 1 pod: image " + image},
		},
		"somebody who may read no configuration": {
			func(s *snapshot) {
				s.mutating = read[[]admissionregistrationv1.MutatingWebhookConfiguration]{err: forbidden("mutatingwebhookconfigurations")}
				with(pod("StatefulSet", "a"))(s)
			},
			[]string{"unknown  Webhook for pods: you may not read MutatingWebhookConfigurations", "1 pod: when the webhook's configuration was made is not known"},
		},
	} {
		t.Run(what, func(t *testing.T) {
			s := healthy(t)
			test.change(s)
			results := judge(s, now)
			said := tell(results)
			for _, want := range test.want {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
			if others := len(results) - count(results)[ok]; others > max(1, len(test.want)) {
				t.Errorf("%d checks are not ok:\n%s", others, said)
			}
			if test.want == nil && count(results)[ok] != len(results) {
				t.Errorf("not everything is ok:\n%s", said)
			}
		})
	}
}

func TestTheExampleInTheDocumentationIsReal(t *testing.T) {
	page, err := os.ReadFile("../../../docs/injection.md")
	if err != nil {
		t.Fatal(err)
	}
	s := healthy(t)
	with(old(pod("StatefulSet", "orders")), old(pod("StatefulSet", "orders")))(s)
	if example := tell(judge(s, now)); !strings.Contains(string(page), "```\n"+example+"```\n") {
		t.Errorf("docs/injection.md does not have:\n%s", example)
	}
}

func label(s *snapshot, policy injector.Policy) {
	(*s.namespaces.value)[0].Labels = map[string]string{injector.LabelInjection: string(policy)}
}

func old(p corev1.Pod) corev1.Pod {
	p.CreationTimestamp = before(2 * day)
	return p
}

func TestWhatComesNextIsSaidUnlessAllIsOk(t *testing.T) {
	none := &snapshot{
		version:  read[version.Info]{err: forbidden("version")},
		mutating: found([]admissionregistrationv1.MutatingWebhookConfiguration{}), validating: found([]admissionregistrationv1.ValidatingWebhookConfiguration{}),
		policies: found([]admissionregistrationv1.ValidatingAdmissionPolicy{}), bindings: found([]admissionregistrationv1.ValidatingAdmissionPolicyBinding{}),
		namespaces: found([]corev1.Namespace{}), pods: found([]corev1.Pod{}),
		trial: trialOf{namespace: "shop", denied: true},
	}
	for _, s := range []*snapshot{none, healthy(t)} {
		for _, r := range judge(s, now) {
			if (r.state == ok) != (len(r.next) == 0) {
				t.Errorf("%s is %s: %s: next: %q", r.what, r.state, r.message, r.next)
			}
		}
	}
	if err := verdict(judge(none, now), false); err == nil {
		t.Error("nothing is installed, and that passes")
	}
}

func TestTheStrictCountWarnings(t *testing.T) {
	for state, codes := range map[state][2]int{ok: {0, 0}, unknown: {0, 2}, warning: {0, 2}, failed: {2, 2}} {
		for i, strict := range []bool{false, true} {
			if code := exit.Code(verdict([]result{{state: ok}, {state: state}}, strict)); code != codes[i] {
				t.Errorf("%s, strict %v: exit code %d", state, strict, code)
			}
		}
	}
}

func TestLongListsAreShortened(t *testing.T) {
	var lines []string
	for i := range maxShown + 2 {
		lines = append(lines, strconv.Itoa(i))
	}
	if got := some(lines); len(got) != maxShown+1 || got[maxShown] != "and 2 more" || lines[maxShown] != strconv.Itoa(maxShown) {
		t.Errorf("it shows %q", got)
	}
}
