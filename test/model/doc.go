// Package model checks the rules of the election with spin: election.pml is the
// rules as a model, and the tests search all its states.
//
// What is promised, and asserted in every state:
//
//   - Two pods never lead at once, and two applications never act as the leader at
//     once, each of which may go on for S after its pod's lead has ended, and up to
//     validUntil + S after its pod's process has crashed.
//   - The token of a term is larger than that of every term before, also over
//     deletion of the lock.
//   - The token does not fall within a term.
//
// TestTheRulesHold searches for a violation until there is no state left: with
// crashes, restarts, deletions and edits by hand, requests that are lost or executed
// after their sender has given them up, lost and late answers, a watch that lags or is
// silent, clocks of different rates, different durations, and three pods.
// TestBugsAreFound does so with one rule broken at a time, and must find a violation.
// TestMarginsAreSharp does so with one tick too few. TestWhatMustBePossible shows that
// the promises are not kept by doing nothing: it finds a run for every reason for which
// a pod may lead.
//
// # What is left out, and why the result holds all the same
//
// Whatever is left out is replaced by something that allows more: every run of the
// rules is a run of the model, as far as the promises can tell.
//
//   - Urgency. No step is ever due; it is only allowed. So retry periods, backoff,
//     cool-down, courtesy to a preferred pod and time-outs are not needed: to do a thing
//     late, or never, is always possible. How soon somebody leads is the simulation's
//     subject, and the end-to-end tests'.
//   - The instant. Time is a count of ticks, and any number of steps fit between two.
//     All comparisons of the rules are "now < a" and "now >= b", and a lead that ends
//     with a tick and a wait that ends with the same one meet exactly. TestMarginsAreSharp
//     shows that not one tick is left over.
//   - Watch and read. The watch tells the next version at any time or never, which is
//     both a lagging and a silent one. A quorum read is one step: between its execution
//     and its answer, its sender sends nothing, and if the lock changes in between, what
//     it learned is good for writes in vain alone. What such a late answer would tell can
//     also come by the watch.
//   - Versions that no pod believes to be the newest are forgotten, so renewals have no
//     end. A pod can't fall behind by more than VERSIONS - 1 changes: the next change waits
//     until it has caught up.
//   - A write that is in vain, since there is a newer version, fails at once instead of
//     at its execution. Only its sender could tell the difference, and it could as well
//     have given up.
//   - What the answer of a successful write tells of the lock. The watch can tell it at the
//     same moment; the answer gives the lead.
//   - The quorum read before a silent holder's lock is taken. It spares a write in vain.
//     The compare-and-swap shows the same.
//   - Making the lock. It gives no right, so anybody makes it, whenever it is missing.
//   - The version tells the uid, since versions go on over deletion. A write without the
//     uid is one of the bugs.
//   - No-op writes. Their answer counts as none, and any answer can be lost.
//   - The server's Date. It is as small as it can be: larger than the tokens before a
//     deletion, and no help otherwise.
//   - That a mark must name the last holder known, and the largest token seen rather than
//     the record's. The model does without both, which allows more.
//
// Bounds: terms (TOKENS), faults (FAULTS), two starts of a pod, and one late write of a pod
// beside the one that it waits for. Of three pods, fewer faults fit.
//
// Not in the model, and left to the simulation: a restored backup (versions that go
// back), electors of other make (client-go), and different durations together with a
// record that is cleared before every pod has seen it. The last is outside the promise:
// a pod that first sees a cleared record can't know what its holder counted on.
//
// One bug of the list is none here: that old watch state is accepted. Whoever believes
// an old version can only write in vain, and loses its lead at worst. It costs
// availability, which the simulation judges.
//
// # By hand
//
// All of it: make model. One search, and the shortest way to what it found:
//
//	cd $(mktemp -d) && cp .../test/model/election.pml .
//	spin -a -DBUG_NOOP_EXTENDS election.pml
//	cc -O2 -DSAFETY -DNOREDUCE -DBFS -o pan pan.c && ./pan -m10000
//	spin -t -DBUG_NOOP_EXTENDS election.pml
//
// A found error is what a bug must give; the rules as they are must give "errors: 0".
// The sizes at the head of election.pml are set in the same way, such as -DFAULTS=3.
// Without -DBFS a search takes less memory. The tests tell every bug's story with
//
//	go test ./model -v -stories
package model
