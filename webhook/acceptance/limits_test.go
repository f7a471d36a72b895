package acceptance

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestAPodThatALimitRangeMakesGuaranteedStaysSo is about what no golden file can say:
// the API server sets the defaults of a LimitRange before it asks the webhook.
func TestAPodThatALimitRangeMakesGuaranteedStaysSo(t *testing.T) {
	serve(t)
	p := newPlace(t, "defaults", nil, [][]byte{[]byte(`{
		"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "defaults"},
		"spec": {"limits": [{"type": "Container", "default": {"cpu": "1", "memory": "1Gi"}, "defaultRequest": {"cpu": "1", "memory": "1Gi"}}]}
	}`)})
	got := p.settled(t, p.create(t.Context(), []byte(`{
		"metadata": {"name": "app", "annotations": {"leaseholder.dev/inject": "true", "leaseholder.dev/election": "app"}},
		"spec": {"containers": [{"name": "app", "image": "app:1"}]}
	}`), dryRun))
	if class(got) != string(corev1.PodQOSGuaranteed) {
		t.Errorf("the pod is %s:\n%s", class(got), text(t, got))
	}
}
