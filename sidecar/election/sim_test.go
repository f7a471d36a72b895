package election

import (
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

var (
	seeds = flag.Uint64("seeds", 4000, "how many seeds are simulated, of all kinds together")
	kind  = flag.String("kind", "", "the kind of server that is simulated; all if empty")
	first = flag.Uint64("first-seed", 0, "the first of them")
	whole = flag.Bool("whole-trace", false, "print the whole trace of every seed")
)

// TestSimulation runs fleets through faults, beside every kind of server. Every seed
// is a run of its own, and gives the same each time.
func TestSimulation(t *testing.T) {
	kinds := simKinds
	if *kind != "" {
		kinds = []simKind{simKind(*kind)}
	}
	for _, k := range kinds {
		if simProfiles[k] == nil {
			t.Fatalf("-kind=%s, allowed: %v", k, simKinds)
		}
		t.Run(string(k), func(t *testing.T) { simulateAll(t, k, *seeds/uint64(len(kinds))) })
	}
}

func simulateAll(t *testing.T, kind simKind, seeds uint64) {
	t.Helper()
	var (
		mu       sync.Mutex
		group    sync.WaitGroup
		terms    = map[string]int{}
		doubles  = map[string]int{}
		faults   = map[string]int{}
		failed   = map[uint64]error{}
		requests int
		excused  int
	)
	workers := uint64(runtime.GOMAXPROCS(0))
	for worker := range workers {
		group.Go(func() {
			for seed := *first + worker; seed < *first+seeds; seed += workers {
				var trace *[]string
				if *whole {
					trace = new([]string)
				}
				result := simulate(kind, seed, trace)
				mu.Lock()
				terms[result.profile] += result.terms
				doubles[result.profile] += result.doubles
				requests += result.requests
				excused += result.excused
				for name, n := range result.faults {
					faults[name] += n
				}
				if result.err != nil {
					failed[seed] = result.err
				}
				if *whole {
					t.Log(strings.Join(*trace, "\n"))
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	for i, seed := range slices.Sorted(maps.Keys(failed)) {
		if i == 0 {
			t.Error(explain(kind, seed, 80))
		}
		t.Errorf("seed %d: %v", seed, failed[seed])
	}
	if len(failed) > 0 {
		t.Fatalf("%d of %d seeds broke a promise", len(failed), seeds)
	}
	sumTerms, sumFaults := 0, 0
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(terms)) {
		sumTerms += terms[name]
		lines = append(lines, fmt.Sprintf("%8d terms: %s", terms[name], name))
	}
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		sumFaults += faults[name]
		lines = append(lines, fmt.Sprintf("%8d times: %s", faults[name], name))
	}
	if kind == endpoints {
		lines = append(lines, fmt.Sprintf("%8d events while one of 2016 led late beside one of ours", excused))
	}
	t.Logf("%d seeds, %d terms, %d requests, %d faults, no promise broken\n%s", seeds, sumTerms, requests, sumFaults, strings.Join(lines, "\n"))
	if seeds < 100 {
		return
	}
	if kind == endpoints && excused == 0 {
		t.Error("no elector of 2016 ever led beside one of ours because its request was late, which must be seen where it is not excluded")
	}
	for _, p := range simProfiles[kind] {
		if terms[p.name] == 0 {
			t.Errorf("nobody ever led in %q", p.name)
		}
		if p.beyond && !p.rewinds && doubles[p.name] == 0 {
			t.Errorf("%q shows no two leaders, which must be seen where they are not excluded", p.name)
		}
	}
}
