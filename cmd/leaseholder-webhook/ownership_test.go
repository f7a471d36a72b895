package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/ownership"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

func TestAnElectionBelongsToItsWorkload(t *testing.T) {
	serving(t)
	n := cluster.NewNamespace(t)
	const election = "statefulset-db"
	pod := func(name, election string, change ...func(*corev1.Pod)) *corev1.Pod {
		p := annotated(n, name, election)
		if election == "" {
			delete(p.Annotations, injector.AnnotationElection)
		}
		for _, f := range change {
			f(p)
		}
		return p
	}
	try := func(ctx context.Context, p *corev1.Pod) error { return cluster.Admin.Create(ctx, p, client.DryRunAll) }
	job := func(p *corev1.Pod) {
		owned(p)
		p.OwnerReferences[0].Kind, p.OwnerReferences[0].Name = "Job", p.Name
	}
	refused := func(err error, parts ...string) error {
		if !apierrors.IsForbidden(err) {
			return fmt.Errorf("not refused: %w", err)
		}
		for _, part := range parts {
			if !strings.Contains(err.Error(), part) {
				return fmt.Errorf("no %s in: %w", part, err)
			}
		}
		return nil
	}

	if err := cluster.Admin.Create(t.Context(), pod("db-0", "", owned)); err != nil {
		t.Fatal(err)
	}
	webhooktest.Eventually(t, "another workload is refused", func(ctx context.Context) error {
		return refused(try(ctx, pod("backup-1", election, job)), `"`+election+`"`, "statefulset/db", injector.AnnotationElection, ownership.Annotation)
	})
	if err := refused(try(t.Context(), pod("bare", election)), "statefulset/db"); err != nil {
		t.Errorf("a pod without a controller: %v", err)
	}
	for name, p := range map[string]*corev1.Pod{
		"another pod of the workload":     pod("db-1", "", owned),
		"one of a template that names it": pod("db-2", election, owned),
		"one of a template that renames":  pod("db-3", "other", owned),
		"another workload's own election": pod("backup-2", "", job),
	} {
		if err := try(t.Context(), p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	// The Jobs of a CronJob have nothing in common but the name.
	for i := range 3 {
		name := fmt.Sprint("nightly-", i)
		if err := cluster.Admin.Create(t.Context(), pod(name, "nightly", job)); err != nil {
			t.Fatal(err)
		}
		webhooktest.Eventually(t, "its rights", func(ctx context.Context) error { return hasRights(ctx, n, "nightly") })
	}
	if err := try(t.Context(), pod("nightly", "nightly")); err != nil {
		t.Errorf("a pod that names what all name: %v", err)
	}
}
