package roles

import (
	"encoding/json"
	"strconv"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// patch is a JSON merge patch (RFC 7396) that the API server refuses when the
// pod is another than the one that the change was planned for, or was changed
// since.
func (c change) patch() ([]byte, error) {
	annotations := map[string]any{injector.AnnotationToken: strconv.FormatInt(c.token, 10)}
	switch {
	case c.setCost:
		annotations[view.AnnotationDeletionCost] = deletionCost
	case c.removeCost:
		annotations[view.AnnotationDeletionCost] = nil
	}
	return json.Marshal(map[string]any{"metadata": map[string]any{
		"uid":             c.pod.UID,
		"resourceVersion": c.pod.ResourceVersion,
		"labels":          map[string]any{injector.LabelRole: c.role},
		"annotations":     annotations,
	}})
}
