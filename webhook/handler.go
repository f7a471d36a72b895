package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/leaseholder-dev/leaseholder/injector"
)

const (
	// Path is where pods are answered for.
	Path = "/mutate-pods"
	// lookup bounds the look at a Lease, well below the seconds that the API
	// server waits for an answer.
	lookup = time.Second
)

// Reasons of decisions that are taken here, beside those of package injector.
const (
	// ReasonForeignLease: the election's Lease was not made by Leaseholder.
	ReasonForeignLease injector.Reason = "ForeignLease"
	// ReasonExcluded: the namespace is out of bounds for elections.
	ReasonExcluded injector.Reason = "ExcludedNamespace"
)

// Leases tells who made a Lease.
type Leases interface {
	// Foreign is true if there is a Lease of that name which Leaseholder did not
	// make.
	Foreign(ctx context.Context, namespace, name string) (bool, error)
}

// Options are what a Handler needs.
type Options struct {
	// Settings are the administrator's.
	Settings injector.Settings
	// Leases tells who made an election's Lease.
	Leases Leases
	// Excluded says in which namespaces there are no elections; default: none.
	Excluded func(namespace string) bool
	// Decisions counts; nil does not.
	Decisions *Decisions
	// Logger defaults to slog.Default().
	Logger *slog.Logger
}

// Handler answers admission requests for pods. It is safe for concurrent use.
type Handler struct{ o Options }

var _ admission.Handler = (*Handler)(nil)

// NewHandler gives a handler.
func NewHandler(o Options) *Handler {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Handler{o: o}
}

// Handle answers one request.
func (h *Handler) Handle(ctx context.Context, request admission.Request) admission.Response {
	if request.Operation != admissionv1.Create || request.Resource.Resource != "pods" || request.SubResource != "" {
		return admission.Allowed("only the creation of pods is answered for")
	}
	if len(request.Object.Raw) == 0 {
		return admission.Errored(http.StatusBadRequest, errors.New("the request has no pod"))
	}
	var pod corev1.Pod
	if err := json.Unmarshal(request.Object.Raw, &pod); err != nil {
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("read the pod: %w", err))
	}
	// A pod at admission may have no namespace of its own yet, nor a name.
	d := h.decide(ctx, request.Namespace, &pod)
	h.o.Decisions.count(d)
	if d.Outcome == injector.Refused {
		h.o.Logger.InfoContext(ctx, "refused a pod", "namespace", request.Namespace, "name", pod.Name,
			"generateName", pod.GenerateName, "reason", d.Reason, "message", d.Message, "user", request.UserInfo.Username)
	}
	return answer(d)
}

// decide is injector.Decide with what only the cluster knows.
func (h *Handler) decide(ctx context.Context, namespace string, pod *corev1.Pod) injector.Decision {
	d := injector.Decide(injector.Namespace{Name: namespace}, pod, h.o.Settings)
	if d.Outcome == injector.Refused || d.Election == "" {
		return d
	}
	if h.o.Excluded != nil && h.o.Excluded(namespace) {
		return refuse(ReasonExcluded, fmt.Sprintf(
			"leaseholder refuses this pod: there are no elections in namespace %q, which belongs to Kubernetes or to Leaseholder itself", namespace))
	}
	// The request's own context ends with the server, which still has to answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookup)
	defer cancel()
	foreign, err := h.o.Leases.Foreign(ctx, namespace, d.Election)
	switch {
	case err != nil:
		h.o.Logger.WarnContext(ctx, "let a pod in without a look at its lease", "namespace", namespace, "election", d.Election, "error", err)
	case foreign:
		return refuse(ReasonForeignLease, fmt.Sprintf(
			"leaseholder refuses this pod: Leaseholder did not make the Lease %q in namespace %q: name another election with %s, or hand the Lease over with the label %s",
			d.Election, namespace, injector.AnnotationElection, ownLabel))
	}
	return d
}

func refuse(reason injector.Reason, message string) injector.Decision {
	return injector.Decision{Outcome: injector.Refused, Reason: reason, Message: message}
}
