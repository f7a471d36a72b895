// Package guard bounds what callers can take of the webhook's process, whoever
// they are. The API server asks no more than it needs, but every pod of the
// cluster can reach the port.
//
// It promises that
//
//   - one address holds at most a quarter of the connections, half of the memory
//     for requests that are still being sent, and half of that for requests that are
//     decoded, so that it takes more than one to keep the API server out;
//   - the memory for requests is bounded: a body has a largest size, and what it
//     may take when it is decoded is judged by its values, before it is
//     decoded. A list of a million empty containers is small, and a gigabyte of pods;
//   - who waits for memory gets its answer before the API server has stopped waiting;
//   - all of it is at most 208 MB: 400 connections of 0.2 MB, 32 MB for what is
//     sent and 96 MB for what is decoded. The ports of probes and metrics add 10 MB, so
//     that of the chart's limit of 384 MiB some 175 are left for elections;
//   - what is too much gets an answer: 503 when there is no room, which passes, or 413
//     for what would never fit. The API server takes both for a webhook that does not
//     answer, and goes by the failure policy.
//
// It does not promise that who has many addresses can't take everything: whoever has no
// certificate is counted too, until the handshake fails, for 3 s at most. Nor does it promise
// fairness among callers that come from one
// address, as all do where the cluster's network hides them behind their node's.
package guard
