package workloads

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// Path is where workloads are checked in namespaces that say nothing about their
// pods.
const Path = "/check-workloads"

// lookup bounds all that is looked up for one workload together, the election's Lease
// and the PodDisruptionBudgets: the API server waits two seconds for the warnings, and
// then drops those that there are, too.
const lookup = time.Second

// PathOf is where workloads are checked in namespaces of one policy, as pods are
// answered for at a path of each.
func PathOf(policy injector.Policy) string {
	if policy == injector.Unlabelled {
		return Path
	}
	return Path + "/" + string(policy)
}

// Options are what a Handler needs.
type Options struct {
	// Decide decides about a pod, by all that is known; replaces says that it comes when
	// the pods have ended that its workload has now. What it takes is taken from the
	// time for the budgets.
	Decide func(ctx context.Context, ns injector.Namespace, pod *corev1.Pod, replaces bool) injector.Decision
	// Budgets reads PodDisruptionBudgets at the API server.
	Budgets client.Reader
	// Findings counts; nil does not.
	Findings *Findings
	// Logger defaults to slog.Default().
	Logger *slog.Logger
}

// Handler answers admission requests for workloads. It is safe for concurrent use.
type Handler struct{ o Options }

// NewHandler gives a handler.
func NewHandler(o Options) *Handler {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Handler{o: o}
}

// Server is what asks handlers at their paths.
type Server interface {
	Register(path string, hook http.Handler)
}

// Register makes a server ask the handler at the path of each policy.
func (h *Handler) Register(server Server) {
	for _, policy := range append(injector.Policies(), injector.Unlabelled) {
		server.Register(PathOf(policy), &admission.Webhook{
			Handler: admission.HandlerFunc(func(ctx context.Context, request admission.Request) admission.Response {
				return h.Handle(ctx, policy, request)
			}),
		})
	}
}

// Handle answers one request in a namespace of a policy.
func (h *Handler) Handle(ctx context.Context, policy injector.Policy, request admission.Request) admission.Response {
	allowed := admission.Allowed("")
	if request.SubResource != "" || request.Operation != admissionv1.Create && request.Operation != admissionv1.Update {
		return allowed
	}
	found, err := h.inspect(ctx, injector.Namespace{Name: request.Namespace, Policy: policy}, request.Object.Raw)
	if err != nil {
		h.o.Logger.WarnContext(ctx, "could not check a workload", "namespace", request.Namespace, "name", request.Name,
			"kind", request.Kind.Kind, "error", err)
	}
	h.o.Findings.count(found)
	return allowed.WithWarnings(injector.Warnings(found)...)
}

// inspect gives what there is to say, also when it is not all.
func (h *Handler) inspect(ctx context.Context, ns injector.Namespace, object []byte) ([]injector.Finding, error) {
	t, err := injector.ReadTemplate(object)
	switch {
	case errors.Is(err, injector.ErrNoTemplate):
		return nil, nil
	case err != nil:
		return nil, err
	case t.Metadata.DeletionTimestamp != nil:
		return nil, nil // nobody makes its pods any more
	}
	// The request's own context ends with the server, which still has to answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookup)
	defer cancel()
	i := injector.InspectDecided(h.o.Decide(ctx, ns, t.Pod(), t.Recreated()), t)
	if i.Decision.Standby != config.StandbyUnready {
		return i.Findings, nil
	}
	var budgets policyv1.PodDisruptionBudgetList
	if err := h.o.Budgets.List(ctx, &budgets, client.InNamespace(ns.Name)); err != nil {
		return i.Findings, fmt.Errorf("list the disruption budgets: %w", err)
	}
	return append(i.Findings, injector.InspectBudgets(i.Decision, t, budgets.Items)...), nil
}
