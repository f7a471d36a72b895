package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/leaseholder-dev/leaseholder/test/contender"
)

// chartLimit is the webhook's memory limit in the chart, in bytes.
func chartLimit(ctx context.Context) (int64, error) {
	root, err := contender.Root(ctx)
	if err != nil {
		return 0, err
	}
	content, err := os.ReadFile(filepath.Join(root, "charts", "leaseholder", "values.yaml"))
	if err != nil {
		return 0, fmt.Errorf("read the chart's memory limit: %w", err)
	}
	var values struct {
		Resources corev1.ResourceRequirements `json:"resources"`
	}
	if err := yaml.Unmarshal(content, &values); err != nil {
		return 0, fmt.Errorf("read the chart's memory limit: %w", err)
	}
	return values.Resources.Limits.Memory().Value(), nil
}
