package injector

import (
	"maps"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

func TestDefaultElection(t *testing.T) {
	hash := map[string]string{"pod-template-hash": "7c9d8f6b5"}
	for _, test := range []struct {
		name   string
		kind   string
		owner  string
		labels map[string]string
		want   string
	}{
		{"a ReplicaSet of a Deployment loses its hash", "ReplicaSet", "orders-7c9d8f6b5", hash, "deployment-orders"},
		{"only one hash is removed", "ReplicaSet", "a-7c9d8f6b5-7c9d8f6b5", hash, "deployment-a-7c9d8f6b5"},
		{"a hash that is not the label's stays", "ReplicaSet", "orders-5b6f8d9c7", hash, "replicaset-orders-5b6f8d9c7"},
		{"a hash without a dash stays", "ReplicaSet", "orders7c9d8f6b5", hash, "replicaset-orders7c9d8f6b5"},
		{"a name that is only a hash stays", "ReplicaSet", "7c9d8f6b5", hash, "replicaset-7c9d8f6b5"},
		{"a name that is only a dash and a hash stays", "ReplicaSet", "-7c9d8f6b5", hash, "replicaset--7c9d8f6b5"},
		{"a ReplicaSet of nobody keeps its name", "ReplicaSet", "orders-7c9d8f6b5", nil, "replicaset-orders-7c9d8f6b5"},
		{"an empty hash removes nothing", "ReplicaSet", "orders-", map[string]string{"pod-template-hash": ""}, "replicaset-orders-5a8a565a"},
		{"a ReplicaSet of a Rollout loses its hash", "ReplicaSet", "orders-6d4b", map[string]string{"rollouts-pod-template-hash": "6d4b"}, "rollout-orders"},
		{"a label of another kind of owner is not looked at", "StatefulSet", "db-7c9d8f6b5", hash, "statefulset-db-7c9d8f6b5"},
		{"a StatefulSet", "StatefulSet", "db", nil, "statefulset-db"},
		{"a Job", "Job", "backup-28391234", nil, "job-backup-28391234"},
		{"a kind of one's own", "CloneSet", "web", nil, "cloneset-web"},
		{"dots are replaced", "StatefulSet", "db.example.com", nil, "statefulset-db-example-com-635208e7"},
		{"what only looks replaced is another election", "StatefulSet", "db-example.com", nil, "statefulset-db-example-com-99476240"},
		{"capitals are replaced", "Custom", "Name", nil, "custom-name-24adbd21"},
		{"63 characters stay", "Job", strings.Repeat("a", 59), nil, "job-" + strings.Repeat("a", 59)},
		{"64 characters are cut", "Job", strings.Repeat("a", 60), nil, "job-" + strings.Repeat("a", 50) + "-28d9d763"},
		{"a cut at a dash leaves one dash", "Job", strings.Repeat("a", 49) + "-" + strings.Repeat("b", 20), nil, "job-" + strings.Repeat("a", 49) + "-17ffea51"},
		{"nothing that can be read", "ß", "ü", nil, "489b4819"},
	} {
		t.Run(test.name, func(t *testing.T) {
			yes := true
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
				Annotations: map[string]string{AnnotationInject: "true"},
				Labels:      test.labels,
				OwnerReferences: []metav1.OwnerReference{
					{Kind: "Another", Name: "owner-that-does-not-control"},
					{Kind: test.kind, Name: test.owner, Controller: &yes},
				},
			}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}}}
			got := Decide(shop, pod, administrator()).Election
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if !config.ValidElection(got) {
				t.Errorf("%q is no valid election", got)
			}
		})
	}
}

func TestADecisionSaysWhoseTheElectionIs(t *testing.T) {
	for name, c := range map[string]struct {
		annotations map[string]string
		owner       []metav1.OwnerReference
		workload    string
		named       bool
	}{
		"by default":           {owner: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "orders-7c9d", Controller: new(true)}}, workload: "deployment/orders"},
		"named":                {map[string]string{AnnotationElection: "toys"}, []metav1.OwnerReference{{Kind: "StatefulSet", Name: "db", Controller: new(true)}}, "statefulset/db", true},
		"without a controller": {annotations: map[string]string{AnnotationElection: "toys"}, named: true},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{AnnotationInject: "true"}, Labels: map[string]string{"pod-template-hash": "7c9d"}, OwnerReferences: c.owner},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}},
			}
			maps.Copy(pod.Annotations, c.annotations)
			got := Decide(shop, pod, administrator())
			if got.Workload != c.workload || got.Named != c.named || WorkloadOf(pod) != c.workload {
				t.Errorf("workload %q, named %v: %s", got.Workload, got.Named, got.Message)
			}
			if c.named == (DefaultElection(pod) == got.Election) {
				t.Errorf("the default is %q, the election %q", DefaultElection(pod), got.Election)
			}
		})
	}
}
