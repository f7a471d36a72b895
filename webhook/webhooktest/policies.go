package webhooktest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// policyFolders are the chart's policies that hold whether the webhook runs or not.
// The last must be one that awaitPolicies can try.
var policyFolders = []string{"accountpodpolicy", "accountrightspolicy", "accountwebhookpolicy", "accountendpointspolicy", "labelpolicy", "endpointspolicy", "leasepolicy", "accountleasepolicy"}

// policies gives all policies before all bindings, so that when the last binding is in
// force the others are too: the API server learns of both in the order of creation.
func policies() ([]client.Object, error) {
	var all, bindings []client.Object
	var errs []error
	for _, folder := range policyFolders {
		policy, binding := &admissionregistrationv1.ValidatingAdmissionPolicy{}, &admissionregistrationv1.ValidatingAdmissionPolicyBinding{}
		errs = append(errs,
			render(folder+"/validatingadmissionpolicy.yaml", policy),
			render(folder+"/validatingadmissionpolicybinding.yaml", binding))
		all, bindings = append(all, policy), append(bindings, binding)
	}
	return append(all, bindings...), errors.Join(errs...)
}

// awaitPolicies waits until the webhook's account is bound: the API server looks for
// new policies once a second.
func awaitPolicies(ctx context.Context, webhook client.Client) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, glance, patience, true, func(ctx context.Context) (bool, error) {
		unlabelled := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: "leaseholder-webhook"}}
		last = webhook.Create(ctx, unlabelled, client.DryRunAll)
		return apierrors.IsForbidden(last) && strings.Contains(last.Error(), "ValidatingAdmissionPolicy"), nil
	})
	if err != nil {
		return fmt.Errorf("wait %s for the policies: %w: a Lease without labels gets %w", patience.Truncate(time.Second), err, last)
	}
	return nil
}
