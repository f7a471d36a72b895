// Package certs keeps the webhook's certificate: an authority (CA) and the leaf
// that it signed, in one Secret that all replicas share, and the bundles of
// authorities that the API server trusts, in the MutatingWebhookConfiguration and
// the ValidatingWebhookConfiguration. Somebody else can keep both (see Mode): then
// it is served as it stands there, loaded anew at every change, and nothing is written.
//
// It promises that
//
//   - replicas that start or renew at the same time converge on one
//     certificate: the Secret is written by compare-and-swap alone, and one that was
//     deleted is made again, empty;
//   - no leaf is signed by an authority before that was published beside the
//     old one for a grace period, so that the API server trusts whatever any
//     replica serves while authorities change;
//   - a leaf never outlives its authority;
//   - what is damaged or missing in the Secret is made anew, and a replica goes
//     on serving what it has until the API server can trust the new one;
//   - a leaf of another authority is served only when every bundle has had that for
//     a grace period, or when the present leaf is good no more;
//   - Ready is nil only while the served leaf is valid and signed by an
//     authority that stands in every bundle of the MutatingWebhookConfiguration.
//     The other configuration gets the same bundles, but nothing waits for it, nor
//     does it have to exist: only warnings depend on it, and pods on the first.
//
// It does not promise to distrust: an authority stays in the bundle until it
// expires. To distrust one at once, empty the Secret and the bundles. And when
// somebody else replaces a bundle by one that does not trust what is served, it
// changes to a leaf that is trusted as soon as there is one; what an API server asks
// before that is refused.
//
// All of it goes by the API server's clock (see Clock), not the node's; several API
// servers may differ by minutes.
//
// plan.go and bundle.go decide without I/O, clock or state; keeper.go reads,
// writes and waits; mode.go is about who keeps what; server.go has what is served.
package certs
