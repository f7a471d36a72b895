package bounded

import "sync"

// Budget is what all callers have together, in units of anything.
type Budget struct {
	// most is what there is, and mostEach what one caller gets of it.
	most, mostEach int64

	mu    sync.Mutex
	taken int64
	// by is what each caller has, without those that have nothing.
	by map[string]int64
}

// NewBudget gives one of so many units, and so many for each caller at most.
func NewBudget(most, mostEach int64) *Budget {
	return &Budget{most: most, mostEach: mostEach, by: map[string]int64{}}
}

// Take gives a caller n units, or nothing.
func (b *Budget) Take(who string, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.taken+n > b.most || b.by[who]+n > b.mostEach {
		return false
	}
	b.taken += n
	b.by[who] += n
	return true
}

// GiveBack takes n units back.
func (b *Budget) GiveBack(who string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken -= n
	if b.by[who] -= n; b.by[who] == 0 {
		delete(b.by, who)
	}
}

// Taken is how many units are taken, and by how many callers.
func (b *Budget) Taken() (units int64, callers int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.taken, len(b.by)
}
