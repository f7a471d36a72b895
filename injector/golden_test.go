package injector

import (
	"bytes"
	"encoding/json"
	"flag"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/yaml"

	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// administrator gives the settings of all cases.
func administrator() Settings {
	return Settings{
		Image:                injectortest.Image,
		ImagePullPolicy:      injectortest.PullPolicy,
		Resources:            injectortest.Resources(),
		CloudImage:           injectortest.CloudImage,
		CloudImagePullPolicy: injectortest.CloudPullPolicy,
		CloudResources:       injectortest.CloudResources(),
		APIServer:            injectortest.APIServer(),
	}
}

// TestGolden decides about every testdata/*/NAME.in.yaml, and compares with
// NAME.out.yaml: the pod as it is let in, or the refusal.
func TestGolden(t *testing.T) {
	cases, err := injectortest.Cases("testdata")
	if err != nil {
		t.Fatal(err)
	}
	reached := map[Reason]bool{}
	for _, c := range cases {
		t.Run(c.String(), func(t *testing.T) {
			ns := Namespace{Name: injectortest.Namespace, Policy: Policy(c.NamespaceLabels[LabelInjection])}
			decision, after := decideAndApply(t, ns, c.Pod)
			reached[decision.Reason] = true
			if decision.Outcome == Injected {
				checkSurvival(t, c.Pod, after)
			}
			injectortest.Compare(t, c.Out, render(t, decision, after), *update)
			checkGroup(t, c.Group, decision)

			again, last := decideAndApply(t, ns, after)
			checkAgain(t, decision, again, after, last)
		})
	}
	for _, reason := range Reasons() {
		if !reached[reason] {
			t.Errorf("no case has the reason %s", reason)
		}
	}
}

// checkGroup keeps a case from turning into one of another folder unnoticed
// when the golden files are written anew.
func checkGroup(t *testing.T, group string, d Decision) {
	t.Helper()
	got := map[Outcome]string{Injected: injectortest.Inject, Skipped: injectortest.Skip, Refused: injectortest.Refuse}[d.Outcome]
	if d.Reason == AlreadyInjected {
		got = injectortest.Again
	}
	if got != group {
		t.Errorf("the case stands in folder %s, but the decision is %s (%s)", group, d.Outcome, d.Reason)
	}
}

// checkAgain checks the second decision about the same pod.
func checkAgain(t *testing.T, first, second Decision, after, last []byte) {
	t.Helper()
	if len(second.Patch) > 0 || !bytes.Equal(after, last) {
		t.Errorf("the second patch changes the pod: %s", patchJSON(t, second))
	}
	want := first.Reason
	if first.Outcome == Injected {
		want = AlreadyInjected
	}
	if second.Reason != want {
		t.Errorf("the second decision is %s, want %s: %s", second.Reason, want, second.Message)
	}
	if first.Election != second.Election {
		t.Errorf("election %q became %q", first.Election, second.Election)
	}
}

// decideAndApply gives the decision about a pod, and the pod that comes of it.
func decideAndApply(t *testing.T, ns Namespace, raw []byte) (Decision, []byte) {
	t.Helper()
	var pod corev1.Pod
	if err := json.Unmarshal(raw, &pod); err != nil {
		t.Fatalf("decode the pod: %v", err)
	}
	before := pod.DeepCopy()
	decision := Decide(ns, &pod, administrator())
	if !equality.Semantic.DeepEqual(before, &pod) {
		t.Error("the pod was changed in place")
	}
	for _, op := range decision.Patch {
		if op.Operation != "add" {
			t.Errorf("operation %s %s, want only add", op.Operation, op.Path)
		}
	}
	if len(decision.Patch) == 0 {
		return decision, raw
	}
	if decision.Outcome == Refused {
		t.Error("a refusal has a patch")
	}
	patch, err := jsonpatch.DecodePatch(patchJSON(t, decision))
	if err != nil {
		t.Fatalf("decode the patch: %v", err)
	}
	after, err := patch.Apply(raw)
	if err != nil {
		t.Fatalf("apply the patch %s: %v", patchJSON(t, decision), err)
	}
	return decision, after
}

func patchJSON(t *testing.T, d Decision) []byte {
	t.Helper()
	patch, err := json.Marshal(d.Patch)
	if err != nil {
		t.Fatalf("encode the patch: %v", err)
	}
	return patch
}

// render makes a golden file's content.
func render(t *testing.T, d Decision, after []byte) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("# " + string(d.Outcome) + ", " + string(d.Reason) + "\n")
	b.WriteString("# " + d.Message + "\n")
	for _, warning := range d.Warnings {
		b.WriteString("# warning: " + warning + "\n")
	}
	if d.Outcome == Refused {
		return b.String()
	}
	pod, err := yaml.JSONToYAML(after)
	if err != nil {
		t.Fatal(err)
	}
	return b.String() + string(pod)
}

// checkSurvival checks that all that was in a pod still is, in the same order. A
// mesh's list may have become longer.
func checkSurvival(t *testing.T, before, after []byte) {
	t.Helper()
	was, is := decodeAny(t, before), decodeAny(t, after)
	for _, key := range []string{istioInboundPorts, istioOutboundRanges, linkerdInboundPorts, linkerdOutboundPorts} {
		list, ok := annotationsIn(was)[key].(string)
		if longer, same := annotationsIn(is)[key].(string); ok && same && strings.HasPrefix(longer, strings.TrimSpace(list)) {
			annotationsIn(is)[key] = list
		}
	}
	if what := injectortest.Lost(was, is); what != "" {
		t.Errorf("the patch lost %s", what)
	}
}

// annotationsIn gives the annotations of a decoded pod; they may be nil.
func annotationsIn(pod any) map[string]any {
	object, _ := pod.(map[string]any)
	metadata, _ := object["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	return annotations
}

func decodeAny(t *testing.T, raw []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
