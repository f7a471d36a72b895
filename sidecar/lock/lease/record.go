package lease

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// Annotations of a Lease beside the fields that client-go writes.
const (
	// TokenAnnotation is the fencing token, a decimal number.
	TokenAnnotation = "leaseholder.dev/token"
	// StampAnnotation equals spec.holderIdentity if one of ours wrote it.
	StampAnnotation = "leaseholder.dev/holder"
	// MarkAnnotation says who released the Lease, and at which renewal.
	MarkAnnotation = "leaseholder.dev/released"
	// StepDownAnnotation asks the holder whose identity it is to hand over.
	StepDownAnnotation = "leaseholder.dev/step-down"
	// PreferredAnnotation names the pod that shall take the Lease next.
	PreferredAnnotation = "leaseholder.dev/preferred"
	// LockAnnotation is the address of the lock that a Lease reports, absent where the
	// Lease is the lock itself.
	LockAnnotation = "leaseholder.dev/lock"
)

// maxToken is far beyond any clock and any number of terms. What lies beyond it was
// written by hand, and counts as none.
const maxToken = math.MaxInt64 / 2

// Decode reads the record that a Lease carries. A token that a hand edit made
// unreadable counts as none: candidates go on from the largest that they have
// seen, and from the server's clock.
func Decode(l *coordinationv1.Lease) lock.Record {
	r := lock.Record{
		Stamp:     l.Annotations[StampAnnotation],
		Mark:      l.Annotations[MarkAnnotation],
		StepDown:  l.Annotations[StepDownAnnotation],
		Preferred: l.Annotations[PreferredAnnotation],
	}
	if address := l.Annotations[LockAnnotation]; address != string(config.LockLease) {
		r.Reports = address
	}
	if token, err := strconv.ParseInt(l.Annotations[TokenAnnotation], 10, 64); err == nil && token > 0 && token <= maxToken {
		r.Token = token
	}
	s := l.Spec
	if s.HolderIdentity != nil {
		r.Holder = *s.HolderIdentity
	}
	if s.LeaseDurationSeconds != nil {
		r.Duration = time.Duration(*s.LeaseDurationSeconds) * time.Second
	}
	if s.AcquireTime != nil {
		r.Acquired = s.AcquireTime.Time
	}
	if s.RenewTime != nil {
		r.Renewed = s.RenewTime.Time
	}
	if s.LeaseTransitions != nil {
		r.Transitions = *s.LeaseTransitions
	}
	return r
}

// patch is the merge patch that turns base into a Lease with this record. It
// fails at the API server unless the Lease is still base, by version and UID.
func patch(base lock.Snapshot, r lock.Record) ([]byte, error) {
	type spec struct {
		HolderIdentity       string            `json:"holderIdentity"`
		LeaseDurationSeconds int32             `json:"leaseDurationSeconds"`
		AcquireTime          *metav1.MicroTime `json:"acquireTime"`
		RenewTime            *metav1.MicroTime `json:"renewTime"`
		LeaseTransitions     int32             `json:"leaseTransitions"`
	}
	return json.Marshal(map[string]any{
		"metadata": map[string]any{
			"resourceVersion": base.Version,
			"uid":             base.UID,
			"annotations": map[string]any{
				StampAnnotation:     orNull(r.Stamp),
				MarkAnnotation:      orNull(r.Mark),
				TokenAnnotation:     strconv.FormatInt(r.Token, 10),
				StepDownAnnotation:  orNull(r.StepDown),
				PreferredAnnotation: orNull(r.Preferred),
				LockAnnotation:      orNull(r.Reports),
			},
		},
		"spec": spec{
			HolderIdentity:       r.Holder,
			LeaseDurationSeconds: int32(r.Duration / time.Second),
			AcquireTime:          &metav1.MicroTime{Time: r.Acquired},
			RenewTime:            &metav1.MicroTime{Time: r.Renewed},
			LeaseTransitions:     r.Transitions,
		},
	})
}

// orNull removes an empty annotation instead of keeping an empty one.
func orNull(value string) any {
	if value == "" {
		return nil
	}
	return value
}
