// Package request writes what asks the holder of an election's Lease to hand
// over, for the webhook and for the command line alike.
package request

import (
	"encoding/json"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/utils/ptr"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
)

// Patch is a JSON merge patch (RFC 7396) that asks the present holder of a Lease
// to hand over: to the pod of that name, or to whoever comes first when it is
// empty. The API server refuses it when the Lease is another than the one given,
// or was changed since.
func Patch(l *coordinationv1.Lease, pod string) ([]byte, error) {
	var preferred any // null, which removes what an earlier request left
	if pod != "" {
		preferred = pod
	}
	return json.Marshal(map[string]any{"metadata": map[string]any{
		"uid":             l.UID,
		"resourceVersion": l.ResourceVersion,
		"annotations": map[string]any{
			lease.StepDownAnnotation:  ptr.Deref(l.Spec.HolderIdentity, ""),
			lease.PreferredAnnotation: preferred,
		},
	}})
}
