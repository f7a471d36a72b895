package election

import (
	"testing"
	"time"
)

// TestALockThatIsStillLeased: the store's clock is slow, or fast, and the leader dies. The
// lock is taken when both waits are over, the store's and the candidates' own, and until
// then nobody asks in a hot loop.
func TestALockThatIsStillLeased(t *testing.T) {
	for name, rate := range map[string]float64{"twice as long": 0.5, "hardly longer": 0.95, "half as long": 2} {
		t.Run(name, func(t *testing.T) {
			most := 0
			for seed := range boundSeeds(string(leased)) {
				b := newBounded(string(leased), seed)
				b.server.rate = rate
				b.wait(2 * retry) // and a renewal by that clock
				b.a.kill()
				died, before := b.now, [...]int{b.b.asked, b.c.asked}
				for b.successor() == nil && b.err == nil && b.now < died+5*lease {
					b.wait(10 * time.Millisecond)
				}
				took, held := b.now-died, time.Duration(float64(lease)/rate)
				least := max(quick(lease), held) - slow(retry) - 2*simRequest
				longest := max(slow(lease+b.reach.W), held) + slow(b.reach.H+shortestSpread)
				if b.err != nil || took < least || took > longest {
					t.Fatalf("seed %d: a new leader after %s, promised: %s to %s: %v", seed, took, least, longest, b.err)
				}
				for i, n := range []*simNode{b.b, b.c} {
					// A period has a poll and, when the own wait is over, a refusal and
					// two looks at what it means, sooner at first.
					asked, periods := n.asked-before[i], int(slow(took)/retry)
					if asked > 6*periods+20 {
						t.Fatalf("seed %d: %s sent %d requests in %s", seed, n.identity, asked, took)
					}
					most = max(most, asked)
				}
			}
			t.Logf("at most %d requests of a candidate", most)
		})
	}
}
