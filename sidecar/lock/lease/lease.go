// Package lease is the lock that a coordination.k8s.io Lease holds: the
// recommended way to elect in Kubernetes, and the default. The record is the
// one that client-go's elector writes, so that both can stand in one election;
// what a Lease has no field for is kept in annotations.
package lease

import (
	"encoding/json"
	"errors"
	"fmt"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/kube"
)

// Lease is a lock.Lock on one Lease object.
type Lease = kube.Object[*coordinationv1.Lease]

// kind is how a Lease carries a record.
var kind = kube.Kind[*coordinationv1.Lease]{
	Name:         "lease",
	GroupVersion: coordinationv1.SchemeGroupVersion,
	Resource:     "leases",
	AddToScheme: func(s *runtime.Scheme) error {
		s.AddKnownTypes(coordinationv1.SchemeGroupVersion, &coordinationv1.Lease{}, &coordinationv1.LeaseList{})
		return nil
	},
	NewList: func() runtime.Object { return &coordinationv1.LeaseList{} },
	Unheld: func(m metav1.ObjectMeta) ([]byte, error) {
		return json.Marshal(&coordinationv1.Lease{ObjectMeta: m})
	},
	Decode: func(l *coordinationv1.Lease) (lock.Record, error) {
		r := Decode(l)
		return r, errors.Join(refused(l), refusedReport(r))
	},
	Encode: encode,
}

// New gives the lock on the named Lease. The error is about config alone; no request
// is sent. A Lease with a spec.strategy is refused by every request that shows it, and so
// is one that reports another lock.
func New(config *rest.Config, namespace, name string) (*Lease, error) {
	return kube.New(config, kind, namespace, name) //nolint:wrapcheck // it says what failed
}

// NewReport gives the named Lease as the place to report an election that is held at
// another lock. It excludes nobody. It is written like a lock, and the record's Reports
// says of which.
func NewReport(config *rest.Config, namespace, name string) (*Lease, error) {
	report := kind
	report.Decode = func(l *coordinationv1.Lease) (lock.Record, error) { return Decode(l), refused(l) }
	return kube.New(config, report, namespace, name) //nolint:wrapcheck // it says what failed
}

// refused refuses a Lease of coordinated leader election (KEP-4355): there the
// control plane names the holder, by rules of its own.
func refused(l *coordinationv1.Lease) error {
	if s := l.Spec.Strategy; s != nil && *s != "" {
		return fmt.Errorf("spec.strategy=%q is refused, allowed: none; the control plane elects the holder of such a lease", *s)
	}
	return nil
}

// refusedReport refuses to hold a report, which is written by candidates that hold
// another lock, and which does not exclude them.
func refusedReport(r lock.Record) error {
	if r.Reports == "" {
		return nil
	}
	return fmt.Errorf("%s=%q is refused, allowed: none; this lease only reports an election that is held at %s: "+
		"give these pods that lock, or name another election, or delete the lease when no pod with that lock runs any more, in any cluster",
		LockAnnotation, r.Reports, r.Reports)
}
