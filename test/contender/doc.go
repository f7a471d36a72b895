// Package contender runs the contestants of an election as processes of their
// own: our sidecar, client-go's LeaderElector, and the leader-elector sidecar of 2016,
// against a real API server, and tells when each began and ceased to lead.
//
// All times are readings of CLOCK_BOOTTIME on this machine, so those of several
// processes compare. How close they are to the truth:
//
//   - A Change of the sidecar is read when its event of GET /sse arrives, as an
//     application would: late by a hop over loopback, about 0.2 ms where the
//     processors are idle.
//   - A Change of client-go is read in its process at the moment that its
//     callback is called.
//   - One of the sidecar of 2016 is read in its process when its answer changes.
//   - A Term of any is read in the process itself; see Term.
package contender
