// Package webhook answers the API server's question what becomes of a pod that
// is to be created: it is let in as it is, injected, or refused. What the answer
// is, package injector decides; here the request is read, the answer is
// written, and what needs the cluster is asked: that the election's Lease is
// Leaseholder's own, and that the election is not another workload's.
//
// It promises that it changes nothing in the cluster but for Events, which it makes
// after the answer, and never for a dry run; that a refusal names every fault in one
// message (of more than a hundred, it counts the rest); and that what it does not know of a pod survives, because its patches
// are JSON Patch operations that only add.
//
// It fails open in one place: when the Lease, or who else stands in the election,
// can't be looked up, the pod is let in, because the rights are granted elsewhere, after the same checks. Everything
// else that goes wrong refuses the pod.
package webhook
