package webhook

import (
	"encoding/json"
	"fmt"
	"net/http"

	"gomodules.xyz/jsonpatch/v2"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/leaseholder-dev/leaseholder/injector"
)

// Keys of the audit annotations; the API server puts the webhook's name before
// them.
const (
	auditOutcome = "outcome"
	auditReason  = "reason"
)

// answer writes a decision down.
func answer(d injector.Decision) admission.Response {
	var response admission.Response
	if d.Outcome == injector.Refused {
		response = admission.Denied(d.Message)
		// The reason stays the API's own: clients know what "Forbidden" is.
		response.Result.Code = http.StatusForbidden
		response.Result.Details = &metav1.StatusDetails{
			Causes: []metav1.StatusCause{{Type: metav1.CauseType(d.Reason), Message: d.Message}},
		}
	} else {
		response = admission.Allowed(d.Message)
	}
	if len(d.Patch) > 0 {
		patch, err := encode(d.Patch)
		if err != nil {
			return admission.Errored(http.StatusInternalServerError, fmt.Errorf("encode the patch: %w", err))
		}
		response.Patch, response.PatchType = patch, new(admissionv1.PatchTypeJSONPatch)
	}
	response.AuditAnnotations = map[string]string{auditOutcome: string(d.Outcome), auditReason: string(d.Reason)}
	return response.WithWarnings(d.Warnings...)
}

// encode writes a patch down at half of what admission.Patched takes, since an
// Operation that encodes itself is encoded twice.
func encode(patch []jsonpatch.Operation) ([]byte, error) {
	operations := make([]operation, len(patch))
	for i, o := range patch {
		operations[i] = operation(o)
	}
	return json.Marshal(operations)
}

// operation is a jsonpatch.Operation without methods.
type operation struct {
	Operation string `json:"op"`
	Path      string `json:"path"`
	Value     any    `json:"value"`
}
