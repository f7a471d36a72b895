package lease

import (
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/kube"
)

// Annotations of a Lease beside the fields that client-go writes; package kube says
// what they are.
const (
	TokenAnnotation     = kube.TokenAnnotation
	StampAnnotation     = kube.StampAnnotation
	MarkAnnotation      = kube.MarkAnnotation
	StepDownAnnotation  = kube.StepDownAnnotation
	PreferredAnnotation = kube.PreferredAnnotation
)

// LockAnnotation is the address of the lock that a Lease reports, absent where the Lease
// is the lock itself.
const LockAnnotation = "leaseholder.dev/lock"

// Decode reads the record that a Lease carries.
func Decode(l *coordinationv1.Lease) lock.Record {
	r := kube.Annotated(l.Annotations)
	if address := l.Annotations[LockAnnotation]; address != string(config.LockLease) {
		r.Reports = address
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

// encode writes what Decode reads. No field is left out, so that none is left over
// from an earlier holder.
func encode(r lock.Record, p *kube.Patch) error {
	type spec struct {
		HolderIdentity       string            `json:"holderIdentity"`
		LeaseDurationSeconds int32             `json:"leaseDurationSeconds"`
		AcquireTime          *metav1.MicroTime `json:"acquireTime"`
		RenewTime            *metav1.MicroTime `json:"renewTime"`
		LeaseTransitions     int32             `json:"leaseTransitions"`
	}
	p.Metadata.Annotations[LockAnnotation] = nil
	if r.Reports != "" {
		p.Metadata.Annotations[LockAnnotation] = r.Reports
	}
	p.Spec = spec{
		HolderIdentity:       r.Holder,
		LeaseDurationSeconds: int32(r.Duration / time.Second),
		AcquireTime:          &metav1.MicroTime{Time: r.Acquired},
		RenewTime:            &metav1.MicroTime{Time: r.Renewed},
		LeaseTransitions:     r.Transitions,
	}
	return nil
}
