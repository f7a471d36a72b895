package main

import "runtime/debug"

// collected is the share of the container's memory, in percent, that the heap may
// grow to before garbage is collected more often. The rest is for what Go does not
// count: the program itself, and what grows faster than it is collected.
const collected = 80

// limitMemory makes the collector of garbage respect the container's limit, so that
// a crowd of pods that is read at once costs time and not the process. Without it, the
// heap may grow to twice of what is needed.
func limitMemory(limit int64) {
	if limit > 0 {
		debug.SetMemoryLimit(limit / 100 * collected)
	}
}
