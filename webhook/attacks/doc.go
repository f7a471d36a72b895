// Package attacks makes attempts on Leaseholder, on a real kube-apiserver with the
// chart's own roles, policies and webhook configuration. It has tests alone; the tables
// of docs/security.md name them.
//
// They show that
//
//   - nobody gets rights to a Lease that is not of an election: not by naming it, and not
//     by making one beforehand, unless they may grant rights there themselves;
//   - whoever can create pods gains no right of their own by it;
//   - no annotation of a pod leads outside: not to another lock, URL, path or image;
//   - the labels of an injected pod are what the webhook set, and nobody else changes them;
//   - a sidecar's token is good for four verbs on one Lease, and nothing else;
//   - the webhook's own token is good for no more than its policies let through.
//
// What is tried against the webhook from outside, against the sidecar's API and against its
// token's file, is tested elsewhere.
package attacks
