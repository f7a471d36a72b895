package endpoints

import (
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/kube"
)

// LeaderAnnotation is where the record is: client-go's LeaderElectionRecordAnnotationKey.
const LeaderAnnotation = "control-plane.alpha.kubernetes.io/leader"

// record is the annotation's value, in the order in which client-go writes it. Its times
// are in whole seconds.
type record struct {
	HolderIdentity       string      `json:"holderIdentity"`
	LeaseDurationSeconds int32       `json:"leaseDurationSeconds"`
	AcquireTime          metav1.Time `json:"acquireTime"`
	RenewTime            metav1.Time `json:"renewTime"`
	LeaderTransitions    int32       `json:"leaderTransitions"`
}

// Decode reads the record that these annotations of an Endpoints object carry. Without
// LeaderAnnotation there is none: the lock is unheld and unmarked.
func Decode(annotations map[string]string) (lock.Record, error) {
	r := kube.Annotated(annotations)
	value, found := annotations[LeaderAnnotation]
	if !found {
		return r, nil
	}
	var is record
	if err := json.Unmarshal([]byte(value), &is); err != nil {
		return lock.Record{}, fmt.Errorf("the annotation %s=%q is refused, allowed: the record of an elector, as JSON: %w", LeaderAnnotation, value, err)
	}
	r.Holder, r.Duration = is.HolderIdentity, time.Duration(is.LeaseDurationSeconds)*time.Second
	r.Acquired, r.Renewed, r.Transitions = is.AcquireTime.Time, is.RenewTime.Time, is.LeaderTransitions
	if r.Renewed.Equal(never) {
		r.Renewed = time.Time{}
	}
	return r, nil
}

// never is the renewal's time of a record that nobody has held. A record without any time
// is what an elector of 2016 that has just started takes for the one that it has observed
// for long: it would not wait for a leader whose object was deleted.
var never = time.Unix(0, 0)

// encode writes what Decode reads.
func encode(r lock.Record) string {
	if r.Renewed.IsZero() {
		r.Renewed = never
	}
	value, err := json.Marshal(record{
		HolderIdentity:       r.Holder,
		LeaseDurationSeconds: int32(r.Duration / time.Second),
		AcquireTime:          metav1.NewTime(r.Acquired),
		RenewTime:            metav1.NewTime(r.Renewed),
		LeaderTransitions:    r.Transitions,
	})
	if err != nil {
		panic(err) // no value of these types is without its JSON
	}
	return string(value)
}
