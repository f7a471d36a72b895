// Package endpoints is the lock that an annotation of an Endpoints object holds: the
// way in which the leader-elector sidecar of 2016 elects, and client-go did before
// v0.24 unless it was told otherwise. The record is theirs, so that their electors and
// ours can stand in one election while a workload moves from one to the other; what it
// has no field for is kept in annotations of our own.
//
// Only metadata is ever asked for and written: addresses, which belong to the Service
// of that name if there is one, are neither read nor changed.
//
// A record that can't be read is an error, and nothing else: it is neither taken for
// free nor written over, by our candidates as by theirs.
package endpoints

import (
	"encoding/json"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/kube"
)

// Endpoints is a lock.Lock on one Endpoints object.
type Endpoints = kube.Object[*metav1.PartialObjectMetadata]

// kind is how an Endpoints object carries a record. Of k8s.io/api nothing is needed: its
// package of core types would make the sidecar several megabytes larger.
var kind = kube.Kind[*metav1.PartialObjectMetadata]{
	Name:         "endpoints",
	GroupVersion: schema.GroupVersion{Version: "v1"},
	Resource:     "endpoints",
	AddToScheme:  metav1.AddMetaToScheme,
	NewList:      func() runtime.Object { return &metav1.PartialObjectMetadataList{} },
	Metadata:     true,
	Unheld: func(m metav1.ObjectMeta) ([]byte, error) {
		Unheld(&m)
		return json.Marshal(&metav1.PartialObjectMetadata{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Endpoints"},
			ObjectMeta: m,
		})
	},
	Decode: func(o *metav1.PartialObjectMetadata) (lock.Record, error) { return Decode(o.Annotations) },
	Encode: func(r lock.Record, p *kube.Patch) error {
		p.Metadata.Annotations[LeaderAnnotation] = encode(r)
		return nil
	},
}

// New gives the lock on the named Endpoints object. The error is about config alone; no
// request is sent.
func New(config *rest.Config, namespace, name string) (*Endpoints, error) {
	return kube.New(config, kind, namespace, name) //nolint:wrapcheck // it says what failed
}

// Unheld gives an Endpoints object that is about to be made the record of nobody. By it
// kube-controller-manager tells that the object is an election's: it neither deletes it,
// for want of a Service, nor mirrors it in an EndpointSlice.
func Unheld(object *metav1.ObjectMeta) {
	metav1.SetMetaDataAnnotation(object, LeaderAnnotation, encode(lock.Record{}))
}

// Free marks an Endpoints object that is about to be made as released; kube.Free says who
// may do so.
func Free(object *metav1.ObjectMeta, now time.Time) {
	r := lock.Record{Renewed: now.Truncate(time.Second)}
	metav1.SetMetaDataAnnotation(object, LeaderAnnotation, encode(r))
	kube.Free(object, r.Renewed)
}
