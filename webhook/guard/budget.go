package guard

import "sync"

// budget is what all callers have together, in units of anything.
type budget struct {
	// most is what there is, and mostEach what one caller gets of it.
	most, mostEach int64

	mu    sync.Mutex
	taken int64
	// by is what each caller has, without those that have nothing.
	by map[string]int64
}

func newBudget(most, mostEach int64) *budget {
	return &budget{most: most, mostEach: mostEach, by: map[string]int64{}}
}

// take gives a caller n units, or nothing.
func (b *budget) take(who string, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.taken+n > b.most || b.by[who]+n > b.mostEach {
		return false
	}
	b.taken += n
	b.by[who] += n
	return true
}

// giveBack takes n units back.
func (b *budget) giveBack(who string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken -= n
	if b.by[who] -= n; b.by[who] == 0 {
		delete(b.by, who)
	}
}
