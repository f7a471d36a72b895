// Package workloads warns when a workload is applied whose pods would be refused,
// or would not go as everyone expects: a person reads that, and what is said when
// a pod is refused only the pod's controller. What is said, package injector
// decides; here the request is read, and what needs the cluster is asked.
//
// It promises that it lets everything in, whatever goes wrong, that it changes
// nothing, and that no more is said than the API server shows in full.
//
// It does not promise that what it is silent about goes well: a workload can be
// older than the webhook, or applied while no replica answers.
package workloads
