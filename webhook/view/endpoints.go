package view

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// EndpointsKind is that of the objects which leader-elector of 2016 locks. Their Go type
// is not used: it is deprecated, and says of addresses what nobody here reads.
func EndpointsKind() schema.GroupVersionKind { return corev1.SchemeGroupVersion.WithKind("Endpoints") }

// EndpointsMetadata is an empty object to read the metadata of Endpoints into. The cache
// keeps no more of them: a Service can have thousands of addresses.
func EndpointsMetadata() *metav1.PartialObjectMetadata {
	o := &metav1.PartialObjectMetadata{}
	o.SetGroupVersionKind(EndpointsKind())
	return o
}
