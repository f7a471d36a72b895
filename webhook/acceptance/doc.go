// Package acceptance shows on a real kube-apiserver that the webhook, registered
// as the chart registers it, never breaks a pod. It has tests alone:
//
//   - every golden case of package injector comes out as its file says, and what
//     is let in without a sidecar as if there were no webhook;
//   - a random pod that the API server accepts without the sidecar is accepted with
//     it, or refused by the webhook with a message, but never found invalid after the
//     injection;
//   - a pod that asks for the sidecar and can't get it, because another webhook made it
//     ask too late, is refused by the chart's policy, and no other pod is.
package acceptance
