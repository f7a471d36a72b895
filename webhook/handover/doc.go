// Package handover makes priorities work: the ready candidate with the highest
// leaseholder.dev/priority is given the lead of its election.
//
// It promises that
//
//   - a leader is asked to hand over only to a candidate of strictly higher
//     priority, that has been ready without interruption for a window beside
//     this leader's pod: half a minute, or one duration of the Lease if that is
//     longer;
//   - an election is handed over at most once in a window, and to a pod that did
//     not take the lead, or soon lost it, only after twice the last one's window:
//     a pod that comes and goes does not take the lead along each time;
//   - nobody is asked while the leader's or the candidate's pod is ending, and
//     never a holder that is not ours;
//   - a request is one patch, bound to the very version of the Lease that was
//     read, and names the holder that it is for;
//   - an election whose pods all have the same priority costs no request, and
//     nothing is remembered of it.
//
// What it knows of times it has seen itself, since it began to run: another
// replica that goes on with the work gives every candidate a new window. It
// promises no leader: whether the holder lets go, and the preferred candidate is
// the next, is the election's affair.
package handover
