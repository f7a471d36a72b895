package acceptance

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// accountVolume is the volume that the API server mounts the account's token from.
const accountVolume = "kube-api-access"

// settled is a pod that was created, without what the API server makes anew for
// each: its names, times and the name and place of the account's volume.
func (p place) settled(t *testing.T, a answer) map[string]any {
	t.Helper()
	if a.err != nil {
		t.Fatal(a.err)
	}
	var pod unstructured.Unstructured
	if err := json.Unmarshal(p.out(a.raw), &pod.Object); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"name", "uid", "resourceVersion", "creationTimestamp", "managedFields"} {
		unstructured.RemoveNestedField(pod.Object, "metadata", field)
	}
	renameAccountVolume(pod.Object)
	forgetTimes(pod.Object)
	if volumes, ok, _ := unstructured.NestedSlice(pod.Object, "spec", "volumes"); ok {
		slices.SortStableFunc(volumes, func(a, b any) int { return strings.Compare(nameOf(a), nameOf(b)) })
		if err := unstructured.SetNestedSlice(pod.Object, volumes, "spec", "volumes"); err != nil {
			t.Fatal(err)
		}
	}
	return pod.Object
}

// forgetTimes removes the times of the conditions, such as that of a scheduling gate.
func forgetTimes(pod map[string]any) {
	conditions, _, _ := unstructured.NestedSlice(pod, "status", "conditions")
	for _, condition := range conditions {
		if fields, ok := condition.(map[string]any); ok {
			delete(fields, "lastTransitionTime")
		}
	}
	if len(conditions) > 0 {
		_ = unstructured.SetNestedSlice(pod, conditions, "status", "conditions")
	}
}

// renameAccountVolume takes what is random from the name of the account's volume.
func renameAccountVolume(tree any) {
	switch node := tree.(type) {
	case map[string]any:
		if strings.HasPrefix(nameOf(node), accountVolume+"-") {
			node["name"] = accountVolume
		}
		for _, value := range node {
			renameAccountVolume(value)
		}
	case []any:
		for _, value := range node {
			renameAccountVolume(value)
		}
	}
}

func nameOf(object any) string {
	node, ok := object.(map[string]any)
	if !ok {
		return ""
	}
	name, ok := node["name"].(string)
	if !ok {
		return ""
	}
	return name
}

// same compares two pods.
func same(t *testing.T, how string, want, got map[string]any) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		t.Errorf("the pod is not the same %s, where it is\n%s\ngot\n%s", how, text(t, want), text(t, got))
	}
}

func text(t *testing.T, pod map[string]any) string {
	t.Helper()
	raw, err := yaml.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
