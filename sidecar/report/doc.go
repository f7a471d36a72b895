// Package report shows an election that is held at another lock in the election's
// Lease of the pod's cluster, where labels, Events, priorities and the command line look
// for it.
//
// A report is a copy of what the lock says, and bears the lock's address. It is no lock:
// it excludes nobody, and package lease refuses to hold it. It promises that
//
//   - the election never waits for it, and that nothing that happens to the Lease or its
//     API server ends or holds up the process. What can't be written is tried again, less
//     and less often, up to once a lease duration;
//   - the leader reports its term at the beginning, at each renewal and at the end, also
//     when it has lost the lead because it can't reach the lock any more. What
//     another candidate has to report (a leader in another cluster, one that was killed,
//     a foreign one) it reports one to three retry periods after it saw that the report
//     says something else, if it still does: few of many do;
//   - a report never goes back: what an earlier term or renewal said replaces no later
//     one. A leader alone knows that there is no later one, and corrects it; another
//     candidate does when the lock has moved on and the report was wrong for more than
//     a lease duration;
//   - a Lease that is held as a lock is left alone until nobody has written it for twice
//     its duration, so that an election by Lease whose pods are still there is not ended
//     by pods that have another lock;
//   - a request to hand over (leaseholder.dev/step-down, and leaseholder.dev/preferred)
//     that names this process in its present term is passed on to it, once. It is kept in
//     the report until the term ends, as it is in a lock, and the preferred pod is named
//     in the lock, where the candidates of all clusters see it.
//
// It does not promise that a report is true now: it follows the lock, and stands still
// while nobody in the cluster can reach both. Times in it are the leader's wall clock's; a
// leader in another cluster renews no report here, so that an old renewal in a report
// says nothing about it.
package report
