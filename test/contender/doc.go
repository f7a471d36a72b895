// Package contender runs the contestants of an election as processes of their
// own: our sidecar, and client-go's LeaderElector, against a real API server,
// and tells when each began and ceased to lead.
//
// All times are readings of CLOCK_BOOTTIME on this machine, so those of several
// processes compare. How close they are to the truth:
//
//   - A Change of the sidecar is read when its event of GET /sse arrives, as an
//     application would: late by a hop over loopback, about 0.2 ms where the
//     processors are idle.
//   - A Change of client-go is read in its process at the moment that its
//     callback is called.
//   - A Term of either is read in the process itself; see Term.
package contender
