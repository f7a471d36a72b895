// Package view is the part of the cluster that the webhook watches: which
// objects, which of their fields, and how they are found. All its users share
// one cache, so that each kind is watched once.
//
// It promises that the cache stays small: pods without a sidecar of an election
// are not kept, of the others only what the webhook reads, and nothing of any
// object's managed fields.
package view
