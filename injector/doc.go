// Package injector decides whether a pod gets an election sidecar, and says
// what has to be added to it. It is pure: a pod, its namespace and the
// administrator's settings go in, a decision with a JSON Patch comes out. It
// has no clock, no randomness and no I/O, so that the webhook and the command
// line come to the same result.
//
// It promises that
//
//   - the same input always gives the same decision, to the byte;
//   - a patch only adds: fields that this build does not know survive, and
//     nothing that the user wrote is changed or removed. Two things change:
//     the two labels of a pod that is injected already, and, in a mesh, the
//     lists of what its proxy leaves alone, which get an entry at their end;
//   - a pod that was injected is not changed when it is injected again, also
//     when others have added to the sidecar's container since;
//   - a refusal names every fault at once, each with its key, its value and
//     what is allowed (of more than a hundred, it counts the rest);
//   - it never uses the pod's name or UID, which may be empty at admission.
//
// It does not promise that the election's name is free, that its pods have one lock,
// that the pod's service account may use it, that the Secret with its credentials is
// there, or that the sidecar's image can be pulled: those need the API server, and
// belong to the webhook or the kubelet.
//
// Of a workload it says the same before there is a pod: Inspect makes the pod that
// the workload's controller would make, decides about it, and finds what refuses no
// pod and still does not go as everyone expects.
//
// To read another annotation, write a constant in annotations.go and an entry
// in readers; to refuse another combination, an entry in checks; to add
// something else to the pod, an entry in injections; to know another kind of
// workload, an entry in templates.
package injector
