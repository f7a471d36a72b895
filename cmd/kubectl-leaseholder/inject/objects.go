package inject

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	k8syaml "sigs.k8s.io/yaml"

	"github.com/leaseholder-dev/leaseholder/injector"
)

// object is one Kubernetes object of a document.
type object struct {
	metav1.PartialObjectMetadata
	// raw is the whole object, as JSON.
	raw []byte
	// path is where it stands in the document, as a JSON Pointer.
	path string
	// template is where its pod stands in the object, and pod is that pod. Both are
	// set for an object that makes pods.
	template string
	pod      *corev1.Pod
	// metadataMissing says that the pod has no metadata to add to.
	metadataMissing bool
	// unnamed says why a pod's election can't be named after its workload; empty when
	// it can.
	unnamed string
}

// String is KIND/NAME, as kubectl writes it.
func (o *object) String() string {
	name := o.Name
	if name == "" && o.GenerateName != "" {
		name = o.GenerateName + "*"
	}
	return o.Kind + "/" + name
}

// maxNested bounds the Lists within Lists.
const maxNested = 10

// objectsOf reads the objects of a document: none when it is no Kubernetes object.
func objectsOf(text []byte) ([]*object, error) {
	raw, err := k8syaml.YAMLToJSON(text)
	if err != nil {
		return nil, err
	}
	return flatten(raw, "", maxNested)
}

// flatten reads an object, or the items of a List.
func flatten(raw []byte, path string, nested int) ([]*object, error) {
	var o struct {
		metav1.TypeMeta
		Items []json.RawMessage `json:"items"`
	}
	err := json.Unmarshal(raw, &o)
	if object := err == nil && o.Kind != "" && o.APIVersion != ""; !object || nested == 0 {
		return nil, nil // no object, and so none of ours
	}
	if !strings.HasSuffix(o.Kind, "List") || o.Items == nil {
		one, err := read(raw, path)
		if err != nil {
			return nil, err
		}
		return []*object{one}, nil
	}
	var all []*object
	for i, item := range o.Items {
		some, err := flatten(withKind(item, o.TypeMeta), path+"/items/"+strconv.Itoa(i), nested-1)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// withKind gives an item of a list such as DeploymentList the kind that it need
// not say itself.
func withKind(item []byte, list metav1.TypeMeta) []byte {
	var o map[string]json.RawMessage
	if json.Unmarshal(item, &o) != nil || o["kind"] != nil || list.Kind == "List" {
		return item
	}
	o["kind"], _ = json.Marshal(strings.TrimSuffix(list.Kind, "List"))
	o["apiVersion"], _ = json.Marshal(list.APIVersion)
	with, err := json.Marshal(o)
	if err != nil {
		return item
	}
	return with
}

// read reads one object, with the pod that it is or makes.
func read(raw []byte, path string) (*object, error) {
	o := &object{path: path, raw: raw}
	if err := json.Unmarshal(raw, &o.PartialObjectMetadata); err != nil {
		return nil, fmt.Errorf("read the metadata: %w", err)
	}
	template := templateOf(o)
	tree := map[string]any{}
	if err := json.Unmarshal(raw, &tree); err != nil {
		return nil, fmt.Errorf("read %s: %w", o, err)
	}
	found := dig(tree, template)
	spec, _ := found["spec"].(map[string]any)
	if _, ok := spec["containers"].([]any); !ok {
		return o, nil
	}
	part, err := json.Marshal(map[string]any{"metadata": found["metadata"], "spec": spec})
	if err != nil {
		return nil, fmt.Errorf("read the pod of %s: %w", o, err)
	}
	var pod corev1.Pod
	if err := json.Unmarshal(part, &pod); err != nil {
		if !strings.Contains(string(part), injector.Prefix) {
			return o, nil // another's kind with fields of its own
		}
		return nil, fmt.Errorf("read the pod of %s: %w", o, err)
	}
	o.pod = &pod
	for _, key := range template {
		o.template += "/" + key
	}
	o.metadataMissing = found["metadata"] == nil
	o.own()
	return o, nil
}

func dig(tree map[string]any, path []string) map[string]any {
	for _, key := range path {
		tree, _ = tree[key].(map[string]any)
	}
	return tree
}

// templateOf is where an object of its kind has its pod.
func templateOf(o *object) []string {
	switch o.GroupVersionKind().GroupKind() {
	case schema.GroupKind{Kind: "Pod"}:
		return nil
	case schema.GroupKind{Kind: "PodTemplate"}:
		return []string{"template"}
	case cronJob:
		return []string{"spec", "jobTemplate", "spec", "template"}
	default:
		return []string{"spec", "template"}
	}
}

var cronJob = schema.GroupKind{Group: "batch", Kind: "CronJob"}

// workloads are the kinds of which admission names the election: directly, or
// by what it knows of their ReplicaSets.
var workloads = []schema.GroupKind{
	{Group: "apps", Kind: "Deployment"},
	{Group: "extensions", Kind: "Deployment"},
	{Group: "apps", Kind: "ReplicaSet"},
	{Group: "apps", Kind: "StatefulSet"},
	{Group: "apps", Kind: "DaemonSet"},
	{Group: "batch", Kind: "Job"},
	{Kind: "ReplicationController"},
	{Group: "argoproj.io", Kind: "Rollout"},
}

// own gives the pod the controller that it will have in the cluster, as far as
// its election is named after it.
func (o *object) own() {
	kind := o.GroupVersionKind().GroupKind()
	if kind == (schema.GroupKind{Kind: "Pod"}) {
		return // it says itself whose it is
	}
	o.pod.OwnerReferences = nil
	switch {
	case kind == cronJob:
		o.unnamed = "each run of a CronJob is another Job, and would be another election"
	case kind == (schema.GroupKind{Kind: "PodTemplate"}):
		o.unnamed = "it is not known here which workload makes pods of a PodTemplate"
	case !slices.Contains(workloads, kind):
		o.unnamed = "it is not known here which workload the pods of a " + o.Kind + " will belong to"
	case o.Name == "":
		o.unnamed = "the name of the " + o.Kind + " is not known yet"
	}
	if _, named := o.pod.Annotations[injector.AnnotationElection]; o.unnamed != "" && !named {
		return // admission's own fault is that there is no controller to name it after
	}
	controller := true
	owner := metav1.OwnerReference{Kind: o.Kind, Name: o.Name, Controller: &controller}
	if kind == cronJob {
		owner.Kind = "Job"
	}
	o.pod.OwnerReferences = []metav1.OwnerReference{owner}
}
