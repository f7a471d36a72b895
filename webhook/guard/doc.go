// Package guard bounds what callers can take of the webhook's process, whoever
// they are. The API server asks no more than it needs, but every pod of the
// cluster can reach the port.
//
// It promises that
//
//   - one address holds at most a quarter of the connections, and half of the memory
//     for requests that are still being sent, so that it takes more than one to keep
//     the API server out;
//   - the memory for requests is bounded: a body has a largest size, and what it
//     may take when it is decoded is judged by the number of its values, before it is
//     decoded. A list of a million empty containers is small, and a gigabyte of pods;
//   - what is too much gets an answer: 503 when there is no room, which passes, or 413
//     for what would never fit. The API server takes both for a webhook that does not
//     answer, and goes by the failure policy.
//
// It does not promise fairness among callers that come from one address, as all do
// where the cluster's network hides them behind their node's.
package guard
