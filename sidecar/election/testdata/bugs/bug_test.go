package election

import (
	"cmp"
	"testing"
)

// enough is how many seeds each bug must be found within.
const enough = 6000

// TestBugs switches on one bug after the other, and finds it.
func TestBugs(t *testing.T) {
	for _, b := range knownBugs {
		t.Run(b.name, func(t *testing.T) {
			active = b.name
			mistake = b.world
			t.Cleanup(func() { active, mistake = "", 0 })
			if b.script != nil {
				err := b.script()
				if err == nil {
					t.Fatal("its script does not find it")
				}
				t.Logf("by its script: %v", err)
				return
			}
			for seed := range uint64(enough) {
				if result := simulate(cmp.Or(b.kind, watched), seed, nil); result.err != nil {
					t.Logf("by seed %d, %s: %v", seed, result.profile, result.err)
					return
				}
			}
			t.Fatalf("%d seeds do not find it", enough)
		})
	}
}
