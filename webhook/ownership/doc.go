// Package ownership says whose an election is. An election belongs to the workload
// that made it by its default name, and pods of another workload, who could only
// have copied that name, do not stand in it. When all workloads name the election
// explicitly, it is shared.
//
// The Lease bears the record, which the controller of grants writes when it makes
// the Lease and keeps; admission and that controller judge by it. It promises that
//
//   - a workload's own pods are never refused because of its record, whether they
//     name the election or not, and so no rolling update is held up by it;
//   - an election is shared only when no pod is left of a workload that does not
//     name it;
//   - a Lease without a record, made by an older version or by hand, is open to
//     all, and so is one from which somebody takes the record away.
//
// It does not promise that a pod is what it says. What workload a pod is of follows
// from its controller, and the election from what its sidecar was told, which
// nobody can change. But whoever may create or change pods can give them another
// workload's controller, and whoever may change the Lease can change the record.
package ownership
