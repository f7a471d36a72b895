// Package grants gives every election its Lease, and the service accounts of
// its pods the right to use that one Lease: a Role and a RoleBinding, each
// named "leaseholder-<election>". No application has to hold these rights, or
// to make these objects.
//
// It promises that
//
//   - a sidecar gets get, list, watch and patch on the one Lease of its
//     election, and nothing else;
//   - an object of one of those names that Leaseholder did not make is never
//     changed, and a Lease that it did not make is never granted: the pods get
//     an Event with the reason, and rights given before are taken away. Who
//     labels such a Lease "app.kubernetes.io/managed-by: leaseholder" hands it
//     over, which a policy of the chart allows to those who may create roles there;
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
//     is valid, then the next leader does not wait for it;
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
// The Lease goes with the rights, unless somebody outside the cluster holds it, or its
// fencing token is ahead of the API server's clock: a token is the largest of the last
// one plus one and of that clock, and a Lease that is made anew knows no last one. Such
// a Lease stays, with an Event that says so, until the clock has passed the token.
package grants
