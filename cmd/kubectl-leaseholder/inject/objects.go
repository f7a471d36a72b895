package inject

import (
	"bytes"
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
	// raw is the whole object, as JSON, with our annotations in quotes, and unquoted
	// are those that stand without.
	raw      []byte
	unquoted []string
	// asked is the path of the annotations by which the object asks for the sidecar, the
	// first of all that it has; empty when it does nowhere.
	asked string
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
	tree, err := treeOf(raw)
	if err != nil {
		return nil, fmt.Errorf("read the object: %w", err)
	}
	_ = json.Unmarshal(raw, &o.TypeMeta) // flatten read it before
	template := templateOf(o)
	if o.unquoted = quote(tree, template); len(o.unquoted) > 0 {
		if o.raw, err = json.Marshal(tree); err != nil {
			return nil, fmt.Errorf("write the object: %w", err)
		}
	}
	if err := json.Unmarshal(o.raw, &o.PartialObjectMetadata); err != nil {
		return nil, fmt.Errorf("read the metadata: %w", err)
	}
	o.asked = asked(tree, "")
	found := dig(tree, template)
	if !o.makesPods(found) {
		return o, nil
	}
	part, err := json.Marshal(map[string]any{"metadata": found["metadata"], "spec": found["spec"]})
	if err != nil {
		return nil, fmt.Errorf("read the pod of %s: %w", o, err)
	}
	var pod corev1.Pod
	if err := json.Unmarshal(part, &pod); err != nil {
		if !o.known() && !strings.Contains(string(part), injector.Prefix) {
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

// makesPods says whether what was found in the place of a template is one. That of
// another's kind must look like one.
func (o *object) makesPods(found map[string]any) bool {
	if o.known() {
		return found != nil
	}
	spec, _ := found["spec"].(map[string]any)
	_, ok := spec["containers"].([]any)
	return ok
}

// treeOf reads an object with its numbers as they are written.
func treeOf(raw []byte) (map[string]any, error) {
	var tree map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	err := decoder.Decode(&tree)
	return tree, err
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
	case bare:
		return nil
	case podTemplate:
		return []string{"template"}
	case cronJob:
		return []string{"spec", "jobTemplate", "spec", "template"}
	default:
		return []string{"spec", "template"}
	}
}

var (
	bare        = schema.GroupKind{Kind: "Pod"}
	podTemplate = schema.GroupKind{Kind: "PodTemplate"}
	cronJob     = schema.GroupKind{Group: "batch", Kind: "CronJob"}
)

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

// known says that it is known of the object's kind where its pod stands.
func (o *object) known() bool {
	kind := o.GroupVersionKind().GroupKind()
	return kind == bare || kind == podTemplate || kind == cronJob || slices.Contains(workloads, kind)
}

// own gives the pod the controller that it will have in the cluster, as far as
// its election is named after it.
func (o *object) own() {
	kind := o.GroupVersionKind().GroupKind()
	if kind == bare {
		return // it says itself whose it is
	}
	o.pod.OwnerReferences = nil
	switch {
	case kind == cronJob:
		o.unnamed = "each run of a CronJob is another Job, and would be another election"
	case kind == podTemplate:
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
