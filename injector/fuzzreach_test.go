package injector

import (
	"slices"
	"testing"

	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
	"github.com/leaseholder-dev/leaseholder/injector/injectortest/podfuzz"
)

// TestRandomPodsAreOfEveryKind keeps the fuzzer from wandering where nothing
// happens: of its pods a good part is injected, and of those most stand what is
// removed from them later.
func TestRandomPodsAreOfEveryKind(t *testing.T) {
	const pods = 400
	policies := append(Policies(), Unlabelled)
	if !slices.Equal(podfuzz.Keys(), Annotations()) {
		t.Errorf("random pods have the annotations %q", podfuzz.Keys())
	}
	reached := map[Reason]int{}
	injected := 0
	for seed := range int64(pods) {
		maker := podfuzz.FromSeed(seed)
		raw, err := maker.Any()
		if err != nil {
			t.Fatal(err)
		}
		d, damaged := checkPod(t, maker, Namespace{Name: injectortest.Namespace, Policy: policies[seed%4]}, raw)
		if t.Failed() {
			t.Fatalf("seed %d: %s", seed, raw)
		}
		reached[d.Reason]++
		if d.Outcome == Injected {
			injected++
			reached[damaged.Reason]++
		}
	}
	t.Logf("%d of %d injected: %v", injected, pods, reached)
	if injected < pods/6 || reached[AlreadyInjected] < injected/3 {
		t.Errorf("only %d of %d are injected: %v", injected, pods, reached)
	}
}
