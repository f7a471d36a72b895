package injector

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
	"github.com/leaseholder-dev/leaseholder/injector/injectortest/podfuzz"
)

// FuzzDecide gives pods of every shape: whatever is in them, the decision is
// taken without a panic, is the same each time, and its patch applies, loses
// nothing and is followed by no other. The pod is made of the bytes, in a
// namespace of each policy, and gets one more annotation of ours where there is a
// key.
func FuzzDecide(f *testing.F) {
	for _, key := range Annotations() {
		for i, value := range []string{"true", "x", "", "ready", "unready", "15s", "4041", "0.1", "1e1000000000", "20Mi", "endpoints", "gs://shop-locks/orders"} {
			f.Add([]byte(key+value), uint8(i), strings.TrimPrefix(key, Prefix), value)
		}
	}
	for seed := range uint8(100) {
		f.Add([]byte{seed}, seed, "", "")
	}
	policies := append(Policies(), Unlabelled)
	f.Fuzz(func(t *testing.T, data []byte, policy uint8, key, value string) {
		maker := podfuzz.FromBytes(data)
		raw, err := maker.Any()
		if err != nil {
			t.Fatal(err)
		}
		if key != "" {
			raw = annotated(t, raw, Prefix+key, value)
		}
		ns := Namespace{Name: injectortest.Namespace, Policy: policies[int(policy)%len(policies)]}
		checkPod(t, maker, ns, raw)
	})
}

// checkPod checks the decision about a pod, and about what is left of it when
// something is lost after the injection.
func checkPod(t *testing.T, maker *podfuzz.Maker, ns Namespace, raw []byte) (first, damaged Decision) {
	t.Helper()
	first, after := checkDecision(t, ns, raw)
	if first.Outcome != Injected {
		return first, Decision{}
	}
	for range 3 {
		var err error
		if after, err = maker.Damage(after); err != nil {
			t.Fatal(err)
		}
		damaged, after = checkDecision(t, ns, after)
	}
	return first, damaged
}

// checkDecision checks what holds for every pod in every namespace.
func checkDecision(t *testing.T, ns Namespace, raw []byte) (first Decision, after []byte) {
	t.Helper()
	first, after = decideAndApply(t, ns, raw)
	if same, _ := decideAndApply(t, ns, raw); !bytes.Equal(patchJSON(t, same), patchJSON(t, first)) || same.Message != first.Message {
		t.Errorf("the same pod gave %q and %q", first.Message, same.Message)
	}
	for _, fault := range first.Faults {
		if !strings.Contains(first.Message, fault.subject()) || !strings.Contains(first.Message, fault.Allowed) {
			t.Errorf("message %q lacks %q", first.Message, fault)
		}
	}
	if (first.Outcome == Refused || first.Reason == CannotInject) != (len(first.Faults) > 0) {
		t.Errorf("%s, %s with faults %q", first.Outcome, first.Reason, first.Faults)
	}
	if strings.ContainsAny(first.Message, "\n\r") || first.Message == "" {
		t.Errorf("the message is not one line: %q", first.Message)
	}
	if first.Reason != AlreadyInjected { // whose labels are set back
		checkSurvival(t, raw, after)
	}
	again, last := decideAndApply(t, ns, after)
	checkAgain(t, first, again, after, last)
	return first, after
}

// annotated is a pod with one more annotation.
func annotated(t *testing.T, raw []byte, key, value string) []byte {
	t.Helper()
	var tree map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	metadata, ok := tree["metadata"].(map[string]any)
	if !ok {
		metadata = map[string]any{}
		tree["metadata"] = metadata
	}
	annotations, ok := metadata["annotations"].(map[string]any)
	if !ok {
		annotations = map[string]any{}
		metadata["annotations"] = annotations
	}
	annotations[key] = value
	raw, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
