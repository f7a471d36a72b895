// Package certs keeps the webhook's certificate: an authority (CA) and the leaf
// that it signed, in one Secret that all replicas share, and the bundle of
// authorities in the MutatingWebhookConfiguration that the API server trusts.
//
// It promises that
//
//   - replicas that start or renew at the same time converge on one
//     certificate: the Secret is written by compare-and-swap alone;
//   - no leaf is signed by an authority before that was published beside the
//     old one for a grace period, so that the API server trusts whatever any
//     replica serves while authorities change;
//   - a leaf never outlives its authority;
//   - what is damaged or missing in the Secret is made anew, and a replica goes
//     on serving what it has until the API server can trust the new one;
//   - Ready is nil only while the served leaf is valid and signed by an
//     authority that stands in every bundle.
//
// It does not promise to distrust: an authority stays in the bundle until it
// expires. To distrust one at once, empty the Secret and the bundles.
//
// plan.go and bundle.go decide without I/O, clock or state; keeper.go reads,
// writes and waits; server.go has what is served.
package certs
