package bench

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/test/bench/report"
)

// elect makes the first pod of every election its leader.
func (c *crowd) elect(ctx context.Context) ([]leader, error) {
	var pods metav1.PartialObjectMetadataList
	pods.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("PodList"))
	if err := c.admin.List(ctx, &pods, client.InNamespace(namespaceOf(report.Leaseholder))); err != nil {
		return nil, fmt.Errorf("list the pods: %w", err)
	}
	first := map[string]leader{}
	for i := range pods.Items {
		name := pods.Items[i].Labels[injector.LabelElection]
		if _, ok := first[name]; !ok || pods.Items[i].Labels[injector.LabelRole] == injector.RoleLeader {
			first[name] = leader{election: name, pod: pods.Items[i].Name, uid: string(pods.Items[i].UID)}
		}
	}
	leaders := make([]leader, 0, len(first))
	for i := range len(first) {
		l, ok := first[electionName(i)]
		if !ok {
			return nil, fmt.Errorf("find the pods of %q: there are none", electionName(i))
		}
		leaders = append(leaders, l)
	}
	return leaders, nil
}

// awaitCount waits until so many objects are there.
func (c *crowd) awaitCount(ctx context.Context, what string, of func() (metav1.PartialObjectMetadataList, client.MatchingLabels), n int) error {
	const glance, long = time.Second, 10 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	for {
		list, selector := of()
		if err := c.admin.List(ctx, &list, client.InNamespace(namespaceOf(report.Leaseholder)), selector); err != nil {
			return fmt.Errorf("wait until %s: %w", what, err)
		}
		if len(list.Items) >= n {
			return nil
		}
		if err := pause(ctx, glance); err != nil {
			return fmt.Errorf("wait until %s: %d of %d: %w", what, len(list.Items), n, err)
		}
	}
}

// bindings are the rights that the webhook has granted.
func bindings() (list metav1.PartialObjectMetadataList, selector client.MatchingLabels) {
	list.SetGroupVersionKind(rbacv1.SchemeGroupVersion.WithKind("RoleBindingList"))
	return list, client.MatchingLabels{config.LabelManagedBy: config.ManagedBy}
}

// labelled are the leaders' pods.
func labelled() (list metav1.PartialObjectMetadataList, selector client.MatchingLabels) {
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("PodList"))
	return list, client.MatchingLabels{injector.LabelRole: injector.RoleLeader}
}
