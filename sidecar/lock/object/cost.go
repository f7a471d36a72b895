package object

import "time"

// Month is what Monthly counts for.
const Month = 30 * 24 * time.Hour

// Requests are what one election asks of its store.
type Requests struct {
	// Writes are what its leader sends.
	Writes int
	// Reads are what its standbys send, all together: of metadata alone.
	Reads int
}

// Monthly is what an election asks of its store in a Month in which nothing happens:
//
//	writes = Month / retry period
//	reads  = Month / retry period × (candidates − 1)
//
// At 2 s and three candidates, wherever they run, that is 1,296,000 writes and 2,592,000
// reads. It is a little more than they really send, as a standby's next question comes a
// period after the answer to its last. A change of leader adds a few of each.
func Monthly(period time.Duration, candidates int) Requests {
	periods := int(Month / period)
	return Requests{Writes: periods, Reads: periods * max(0, candidates-1)}
}
