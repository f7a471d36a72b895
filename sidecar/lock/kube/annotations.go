package kube

import (
	"math"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// Annotations of an object beside the record that other electors write too.
const (
	// TokenAnnotation is the fencing token, a decimal number.
	TokenAnnotation = "leaseholder.dev/token"
	// StampAnnotation equals the record's holder if one of ours wrote it.
	StampAnnotation = "leaseholder.dev/holder"
	// MarkAnnotation says who released the lock, and at which renewal.
	MarkAnnotation = "leaseholder.dev/released"
	// StepDownAnnotation asks the holder whose identity it is to hand over.
	StepDownAnnotation = "leaseholder.dev/step-down"
	// PreferredAnnotation names the pod that shall take the lock next.
	PreferredAnnotation = "leaseholder.dev/preferred"
)

// maxToken is far beyond any clock and any number of terms. What lies beyond it was
// written by hand, and counts as none.
const maxToken = math.MaxInt64 / 2

// nobody is who a lock that was never held was released by.
const nobody = "nobody"

// Annotated reads what of a record is in these annotations. A token that a hand edit
// made unreadable counts as none: candidates go on from the largest that they have
// seen, and from the server's clock.
func Annotated(annotations map[string]string) lock.Record {
	r := lock.Record{
		Stamp:     annotations[StampAnnotation],
		Mark:      annotations[MarkAnnotation],
		StepDown:  annotations[StepDownAnnotation],
		Preferred: annotations[PreferredAnnotation],
	}
	if token, err := strconv.ParseInt(annotations[TokenAnnotation], 10, 64); err == nil && token > 0 && token <= maxToken {
		r.Token = token
	}
	return r
}

// annotations writes what Annotated reads.
func annotations(r lock.Record) map[string]any {
	return map[string]any{
		StampAnnotation:     orNil(r.Stamp),
		MarkAnnotation:      orNil(r.Mark),
		TokenAnnotation:     strconv.FormatInt(r.Token, 10),
		StepDownAnnotation:  orNil(r.StepDown),
		PreferredAnnotation: orNil(r.Preferred),
	}
}

// orNil removes an empty annotation instead of keeping an empty one.
func orNil(value string) any {
	if value == "" {
		return nil
	}
	return value
}

// Free marks an object that is about to be made, and whose record will say that it was
// renewed then, as released: its first candidate need not wait for a leader from before.
// Whoever marks one so must know that no candidate of its election has ever run: one
// that has could still be valid, and no other would wait for it.
func Free(object *metav1.ObjectMeta, renewed time.Time) {
	metav1.SetMetaDataAnnotation(object, MarkAnnotation, lock.ReleaseMark(nobody, renewed))
}
