package kube

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// Kind is how the objects of one kind carry a record. T is what one is decoded into.
type Kind[T metav1.Object] struct {
	// Name is what an object is called in errors: "lease".
	Name string
	// GroupVersion and Resource say where the API server has the objects.
	GroupVersion schema.GroupVersion
	Resource     string
	// AddToScheme registers what answers are decoded into.
	AddToScheme func(*runtime.Scheme) error
	// NewList gives an empty list of T.
	NewList func() runtime.Object
	// Metadata asks the API server for the metadata of objects alone, whatever they are.
	Metadata bool
	// Unheld is the body that makes an object with this metadata, unheld and unmarked.
	Unheld func(metav1.ObjectMeta) ([]byte, error)
	// Decode reads the record. Its error refuses the object: whatever that says, it is
	// neither free nor held.
	Decode func(T) (lock.Record, error)
	// Encode adds to a patch what the record says beside the annotations of this package.
	Encode func(lock.Record, *Patch) error
}

// Patch is a merge patch. It fails at the API server unless the object is still the
// one that it names, by version and UID, and keeps whatever it does not name.
type Patch struct {
	Metadata Metadata `json:"metadata"`
	Spec     any      `json:"spec,omitempty"`
}

// Metadata is what a Patch says of metadata.
type Metadata struct {
	ResourceVersion lock.Version `json:"resourceVersion"`
	UID             string       `json:"uid"`
	// Annotations are removed where the value is nil.
	Annotations map[string]any `json:"annotations"`
}

// patch is the body that turns base into an object with this record.
func (k Kind[T]) patch(base lock.Snapshot, r lock.Record) ([]byte, error) {
	p := Patch{Metadata: Metadata{ResourceVersion: base.Version, UID: base.UID, Annotations: annotations(r)}}
	if err := k.Encode(r, &p); err != nil {
		return nil, err
	}
	return json.Marshal(p)
}
