package check

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
)

// TestABindingThatLetsThroughIsFailed changes the binding of one policy.
func TestABindingThatLetsThroughIsFailed(t *testing.T) {
	const thief = "leaseholder-account-pod-policy"
	actions := func(a ...admissionregistrationv1.ValidationAction) func(*admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec) {
		return func(spec *admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec) { spec.ValidationActions = a }
	}
	narrow := func(spec *admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec) {
		spec.MatchResources = &admissionregistrationv1.MatchResources{}
	}
	for what, test := range map[string]struct {
		policy string
		change func(*admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec)
		// of is the failurePolicy of the webhooks for pods.
		of   admissionregistrationv1.FailurePolicyType
		want string
	}{
		"one that writes to the log alone": {
			thief, actions(admissionregistrationv1.Audit), admissionregistrationv1.Fail,
			thief + ": binding " + thief + " has validationActions [Audit]: the chart's has Deny",
		},
		"one that warns": {
			thief, actions(admissionregistrationv1.Warn, admissionregistrationv1.Audit), admissionregistrationv1.Ignore,
			thief + ": binding " + thief + " has validationActions [Warn Audit]: the chart's has Deny",
		},
		"one that refuses, and writes to the log too": {thief, actions(admissionregistrationv1.Deny, admissionregistrationv1.Audit), admissionregistrationv1.Fail, ""},
		"one for a part": {thief, narrow, admissionregistrationv1.Fail, thief + ": binding " + thief + " has matchResources: the chart's has none"},
		"that of pods for a part, where pods may come without a sidecar": {podPolicy, narrow, admissionregistrationv1.Ignore, podPolicy + ": binding " + podPolicy + " has matchResources"},
		"that of pods warns": {
			podPolicy, actions(admissionregistrationv1.Warn, admissionregistrationv1.Audit), admissionregistrationv1.Fail, "has validationActions [Warn Audit]",
		},
		"that of pods warns, where pods may come without a sidecar": {
			podPolicy, actions(admissionregistrationv1.Warn, admissionregistrationv1.Audit), admissionregistrationv1.Ignore, "",
		},
		"that of pods writes to the log alone, where pods may come without a sidecar": {
			podPolicy, actions(admissionregistrationv1.Audit), admissionregistrationv1.Ignore, "has validationActions [Audit]: the chart's has Warn",
		},
	} {
		t.Run(what, func(t *testing.T) {
			s := healthy(t)
			hooks := (*s.mutating.value)[0].Webhooks
			for i := range hooks {
				hooks[i].FailurePolicy = &test.of
			}
			bindings := *s.bindings.value
			at := slices.IndexFunc(bindings, func(b admissionregistrationv1.ValidatingAdmissionPolicyBinding) bool {
				return b.Spec.PolicyName == test.policy
			})
			whole := bindings[at]
			test.change(&bindings[at].Spec)
			r := s.admissionPolicies()
			if test.want == "" {
				if r.state != ok {
					t.Errorf("it is %s: %s %q", r.state, r.message, r.details)
				}
				return
			}
			if r.state != failed || len(r.details) != 1 || !strings.Contains(r.details[0], test.want) {
				t.Errorf("it is %s: %s %q", r.state, r.message, r.details)
			}
			*s.bindings.value = append(*s.bindings.value, whole)
			if r := s.admissionPolicies(); r.state != ok {
				t.Errorf("beside the chart's own, it is %s: %s %q", r.state, r.message, r.details)
			}
		})
	}
}

// TestThePoliciesAreTheCharts looks for every name that the chart gives one.
func TestThePoliciesAreTheCharts(t *testing.T) {
	const templates = "../../../charts/leaseholder/templates"
	files, err := filepath.Glob(templates + "/*/validatingadmissionpolicy*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	helpers, err := os.ReadFile(templates + "/_helpers.tpl")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "kind: ValidatingAdmissionPolicy\n") {
			continue
		}
		helper := regexp.MustCompile(`(?m)^ {2}name: \{\{ include "(.*?)"`).FindStringSubmatch(string(text))
		if helper == nil {
			t.Fatalf("%s has no name", file)
		}
		name := regexp.MustCompile(`define "` + regexp.QuoteMeta(helper[1]) + `" -\}\}\n(.*)\n`).FindStringSubmatch(string(helpers))
		if name == nil {
			t.Fatalf("%s is not defined", helper[1])
		}
		names = append(names, name[1])
	}
	slices.Sort(names)
	if want := policyNames(); !slices.Equal(names, want) {
		t.Errorf("the chart has %q, and it wants %q", names, want)
	}
}
