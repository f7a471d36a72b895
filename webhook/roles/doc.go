// Package roles shows on the pods of an election which of them leads: the label
// leaseholder.dev/role is "leader" on one and "standby" on the others, and each
// change of leader is an Event on the pod and on the Lease.
//
// It promises that
//
//   - the old leader's pod is relabelled before the new one's, so that a Service
//     that selects the label never sends to two pods of a term that it knows. Only a
//     pod that the API server refuses to relabel does not hold the new leader up: it
//     gets a warning, is tried again, and is shown beside the new one meanwhile. A
//     Service then sends to both, and would else to the wrong one alone;
//   - a pod's label never goes back to an earlier term: each patch names the
//     version of the pod that it was made for and records the lock's token in
//     the annotation leaseholder.dev/token, and a smaller token overwrites no
//     larger one, unless the Lease itself has never had that;
//   - the leader's pod is the last that a ReplicaSet scales away, unless its user
//     set controller.kubernetes.io/pod-deletion-cost;
//   - renewals of a Lease cost no request.
//
// It promises no exclusion: the label is a hint for routing that can lag behind
// the lock.
package roles
