package attacks

import (
	"context"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// faulty is an expression that gives an error for every lock.
const faulty = "object.metadata.annotations['example.com/there-is-none'] == 'x'"

// TestAFaultOfAPolicyRefusesNoRenewal: the policies on Leases and Endpoints, with an error in
// whatever they judge by, refuse what the webhook's account writes, and nothing of a
// sidecar's.
func TestAFaultOfAPolicyRefusesNoRenewal(t *testing.T) {
	n := cluster.NewNamespace(t)
	l := made(t, lease(n, "orders", ours))
	o := made(t, endpoints(n, "orders", electionOf, heldBy2016))
	sidecar := user(t, n, mayWriteLeases, may("/endpoints", "patch"))
	for _, folder := range []string{"leasepolicy", "accountleasepolicy", "endpointspolicy", "accountendpointspolicy"} {
		policy := webhooktest.Chart(t, folder+"/validatingadmissionpolicy.yaml", &admissionregistrationv1.ValidatingAdmissionPolicy{})
		policy.Name = "faulty-" + folder
		// It stays in force for a moment after this test.
		policy.Spec.MatchConstraints.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: n}}
		for i := range policy.Spec.Validations {
			policy.Spec.Validations[i].Expression = faulty
		}
		if policy.Spec.FailurePolicy != nil && *policy.Spec.FailurePolicy == admissionregistrationv1.Ignore {
			// What others than the webhook are asked is in the conditions too.
			policy.Spec.MatchConditions[len(policy.Spec.MatchConditions)-1].Expression = faulty
		}
		cluster.Install(t, policy)
		binding := webhooktest.Chart(t, folder+"/validatingadmissionpolicybinding.yaml", &admissionregistrationv1.ValidatingAdmissionPolicyBinding{})
		binding.Name, binding.Spec.PolicyName = policy.Name, policy.Name
		cluster.Install(t, binding)
	}
	webhooktest.Eventually(t, "the faulty policies are in force", func(ctx context.Context) error {
		next := lease(n, "next", ours, func(l *coordinationv1.Lease) { l.Labels[injector.LabelElection] = l.Name })
		made := rights.Endpoints(view.Election{Namespace: n, Name: "next"})
		if cluster.Client.Create(ctx, next, client.DryRunAll) == nil || cluster.Client.Create(ctx, made, client.DryRunAll) == nil {
			return errNotYet
		}
		return nil
	})
	for _, renewal := range []string{
		`{"metadata":{"annotations":{"leaseholder.dev/holder":"a_u_s","leaseholder.dev/token":"1"}},"spec":{"holderIdentity":"a_u_s","leaseDurationSeconds":15}}`,
		`{"spec":{"renewTime":"2026-01-01T00:00:00.000000Z"}}`,
		`{"metadata":{"annotations":{"leaseholder.dev/released":"x"}},"spec":{"holderIdentity":""}}`,
	} {
		if err := sidecar.Patch(t.Context(), l.DeepCopy(), merge(renewal)); err != nil {
			t.Errorf("%s: %v", renewal, err)
		}
	}
	for _, renewal := range []string{
		`{"metadata":{"annotations":{"control-plane.alpha.kubernetes.io/leader":"{\"holderIdentity\":\"a_u_s\"}","leaseholder.dev/holder":"a_u_s","leaseholder.dev/token":"1"}}}`,
		`{"metadata":{"annotations":{"control-plane.alpha.kubernetes.io/leader":"{}","leaseholder.dev/released":"x"}}}`,
	} {
		if err := sidecar.Patch(t.Context(), o.DeepCopy(), merge(renewal)); err != nil {
			t.Errorf("%s: %v", renewal, err)
		}
	}
}
