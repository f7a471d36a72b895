// Package grants gives every election its Lease, and the service accounts of
// its pods the right to use that one Lease: a Role and a RoleBinding, each
// named "leaseholder-<election>". No application has to hold these rights, or
// to make these objects. An election whose lock is elsewhere has a Lease too, as the
// report of that lock; if these are Endpoints, they are made and granted likewise.
//
// It promises that
//
//   - a sidecar gets get, list, watch and patch on the one Lease of its
//     election, on the Endpoints of that name if they are its lock, and nothing else;
//   - an object of one of those names that Leaseholder did not make is never
//     changed, and a Lease that it did not make is never granted: the pods get
//     an Event with the reason, and rights given before are taken away. Who
//     labels such a Lease "app.kubernetes.io/managed-by: leaseholder" hands it
//     over, which a policy of the chart allows to those who may create roles there.
//     The same holds for Endpoints, but rights are never given to those of a Service:
//     which have addresses, or no record of a leader, whatever their labels are;
//   - where the lock is, the pods' sidecars say, as they were told at admission. While a
//     pod of one lock lives, no other gets rights or a report. Where it was in a store,
//     which pods of other clusters may still use, no lock in the cluster follows before
//     somebody has deleted the Lease, and an Event says so;
//   - a pod that stands in an election of another workload, see package ownership,
//     gets no rights and an Event; it has them only if its service account has them
//     for another pod, or had them before;
//   - edits and deletions of what it made are repaired at once;
//   - a Lease is made unheld, and marked as free only if no sidecar of its
//     election can have led before. That is judged by the Leases that this run has
//     seen, by the rights to a Lease that are still there, and by the election's pods
//     and whether their sidecars have been started. What is gone altogether is not
//     known: when a leader's pod was deleted by force, and its Lease, Role and
//     RoleBinding too, all before a replica began its run, and that replica makes the
//     next Lease while the sidecar from before still runs on a node that is cut off and
//     is valid, then the next leader does not wait for it. Endpoints are never marked
//     as free;
//   - it stores no state: pods, and the objects themselves, are all it knows.
//     Every replica grants, at the same time, and none waits for another;
//   - nothing is taken from a pod that runs and bears its election's label: before it
//     takes anything away, a replica asks the API server itself for these pods, because
//     its own view may lag. Admission sets the label, and a policy of the chart keeps
//     it there. A pod that has lost it all the same is not seen at all, neither here nor
//     in the cache, and loses its rights when no pod with the label uses them.
//
// A new election waits longest for the two writes of rights, before each of which
// the API server lists the writer's own rights afresh.
//
// What no pod uses any more is removed after a delay. Each replica counts it by
// itself, from when it saw the last pod go, and knows nothing of the time before its
// own start: a restart makes the delay longer and never shorter, and the replica that
// has run for longest removes. So a rollout or a scale to zero and back within the
// delay keeps everything.
//
// The Lease goes with the rights, and so do the Endpoints, unless somebody without a pod
// holds it, an elector of 2016 for one, or its fencing token is ahead of the API server's
// clock: a token is the largest of the last one plus one and of that clock, and a Lease
// that is made anew knows no last one. Such a Lease stays, with an Event that says so,
// until the clock has passed the token.
//
// Of Endpoints, only the labelled are watched, and their metadata alone: a Service can
// have thousands of addresses. They are read as a whole once, when they are granted.
package grants
