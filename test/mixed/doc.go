// Package mixed shows what exclusion is worth where client-go's LeaderElector
// stands in an election beside our sidecar, in one Lease, or the leader-elector
// sidecar of 2016, in one Endpoints object: tests of the real programs, as
// processes, against a real API server. All times are of one clock, and leading is
// judged by each process's own word.
//
// What the tests show, with D the lease duration, V our renew deadline, and R and
// P client-go's renew deadline and retry period:
//
//	what happens                                what follows
//	-----------------------------------------   -------------------------------------------
//	kills, terminations and restarts of both    never two leaders, in both directions
//	client-go releases (ReleaseOnCancel)        ours follows at once, if client-go had led
//	                                            for longer than D + 1 s, and else after D + 1 s
//	ours releases                               client-go follows when it next asks, within
//	                                            2.2 P
//	a leader of client-go asks for a longer D   ours waits for that, and 1 s more
//	ours is paused beyond V                     it never says again that it leads: no overlap
//	the Lease is deleted or cleared under ours  ours writes it again within milliseconds, in
//	                                            the same term and with the same token
//	the Lease is deleted under client-go        ours makes it, unheld, and does not take it;
//	                                            client-go takes it back
//
// What client-go takes away:
//
//	what happens                                two lead
//	-----------------------------------------   -------------------------------------------
//	client-go is paused beyond D                from ours' beginning until at most R after client-go
//	                                            goes on: it leads on while it reads that
//	                                            another holds the Lease
//	the Lease is deleted under ours, and        until ours sees it: milliseconds, and at
//	client-go makes it before ours does         most V where the watch is silent
//	client-go releases before its application   as long as that goes on: client-go calls
//	has ended its work                          OnStoppedLeading only after the release
//
// With the sidecar of 2016, whose elector is client-go's of 2018, and T its ttl:
//
//	what happens                                what follows
//	-----------------------------------------   -------------------------------------------
//	kills, terminations and restarts of both    never two leaders, in both directions
//	ours releases                               that of 2016 follows when T has passed since it
//	                                            saw that, and it looks again
//	that of 2016 ends, in whatever way          ours follows T + 1 s after its last renewal, or D
//	that of 2016 is paused beyond T             two lead, from ours' beginning until that of 2016
//	                                            has looked again, at most T / 2 after it goes on
//
// In all of these our fencing token grows with every term of ours; client-go has
// none.
package mixed
