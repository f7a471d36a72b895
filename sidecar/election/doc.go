// Package election makes a process stand in an election held over one lock.
//
// It promises that of all candidates with equal durations and no foreign writer
// at most one leads at a time, as long as the rates of their clocks differ by
// less than LeaseDuration / RenewDeadline. Latency, lost or repeated requests,
// delayed watches, pauses, suspends, and clocks that are wrong or set do not
// enter: a leader counts its validity from before it sent its last renewal, a
// challenger counts from after it saw the last change, and the lock's
// compare-and-swap proves that nothing was written between the two.
//
// It does not promise that an application stops acting when its candidate no
// longer leads: whoever reads Status.IsLeader acts on it for a while. What must
// not happen twice is guarded by the fencing token (Status.Token), which grows
// with every term.
//
// A leader hands over on request: of its own pod (Candidate.StepDown), or of the
// lock (lock.Record's StepDown and Preferred). It tells first and releases then,
// and stands again when another has led or one lease duration has passed.
//
// The rules are a state machine without I/O (machine.go: what is known;
// observe.go: what an event or a read changes; request.go: what an answer does;
// next.go: what is due; take.go: when the lock may be taken; write.go: what is
// written; giveup.go: how a term or the candidacy ends), driven by a Candidate,
// which owns the requests, the watch and the timer. Time is read from a Clock that
// counts while the machine is suspended; wall-clock time decides nothing.
//
// The same state machine is run by a simulator, among the tests, in virtual time,
// beside every kind of server that a lock can be on (an API server that is watched, a
// store that is polled, one that leases besides, an Endpoints object with electors of 2016)
// and through every fault that the promises are to survive. Known bugs, written
// into a copy of the source, must all be found by it.
package election
