package webhook

import (
	"net/http"

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
		response = admission.Patched(d.Message, d.Patch...)
	}
	response.AuditAnnotations = map[string]string{auditOutcome: string(d.Outcome), auditReason: string(d.Reason)}
	return response.WithWarnings(d.Warnings...)
}
