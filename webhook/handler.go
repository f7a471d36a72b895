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
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/event"
	"github.com/leaseholder-dev/leaseholder/webhook/onelock"
	"github.com/leaseholder-dev/leaseholder/webhook/ownership"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// lookup bounds the look at a Lease, well below the seconds that the API server
// waits for an answer.
const lookup = time.Second

// Reasons of decisions that are taken here, beside those of package injector.
const (
	// ReasonForeignLease: the election's Lease was not made by Leaseholder.
	ReasonForeignLease injector.Reason = "ForeignLease"
	// ReasonForeignEndpoints: the Endpoints of the election's name are no lock of
	// Leaseholder's.
	ReasonForeignEndpoints injector.Reason = "ForeignEndpoints"
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
	// Endpoints tells which Endpoints can be a lock; nil lets all of them be.
	Endpoints Endpoints
	// Unmanaged says that an administrator makes the Leases, as refusals then say.
	Unmanaged bool
	// Elections tells whose an election is; nil lets every pod stand in every one.
	Elections Elections
	// Excluded says in which namespaces there are no elections, whatever their
	// labels say; default: none.
	Excluded func(namespace string) bool
	// Events are told on the owners of pods that do not get what they ask for; nil
	// tells nobody.
	Events Events
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
	if request.Operation == "" {
		return admission.Errored(http.StatusBadRequest, errors.New("the request asks nothing"))
	}
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
	d := h.decide(ctx, injector.Namespace{Name: request.Namespace, Policy: policyOf(ctx)}, &pod, false)
	h.o.Decisions.count(d)
	h.tell(&request, &pod, &d)
	if d.Outcome == injector.Refused {
		h.o.Logger.InfoContext(ctx, "refused a pod", "namespace", logged(request.Namespace), "name", logged(pod.Name),
			"generateName", logged(pod.GenerateName), "reason", d.Reason, "message", d.Brief(event.MaxNote), "user", logged(request.UserInfo.Username))
	}
	return answer(d)
}

// logged is a name as far as it can be one: nothing is validated yet, and a line of
// the log is not as long as a pod.
func logged(name string) string { return name[:min(len(name), longest)] }

// decide is injector.Decide with what only the cluster knows. A pod that replaces
// those of its workload comes when they have ended.
func (h *Handler) decide(ctx context.Context, ns injector.Namespace, pod *corev1.Pod, replaces bool) injector.Decision {
	excluded := h.excluded(ns.Name)
	if excluded {
		ns.Policy = injector.Unlabelled // what must come up without the webhook is given nothing
	}
	d := injector.Decide(ns, pod, h.o.Settings)
	if d.Outcome == injector.Refused || d.Election == "" {
		return d
	}
	if excluded {
		return injector.Refuse(ReasonExcluded, fmt.Sprintf(
			"there are no elections in namespace %q, which belongs to Kubernetes or to Leaseholder itself", ns.Name))
	}
	no, refused := h.standing(ctx, view.Election{Namespace: ns.Name, Name: d.Election}, d, replaces)
	switch {
	case !refused:
		return h.withSharedLock(ctx, view.Election{Namespace: ns.Name, Name: d.Election}, d)
	case d.Outcome == injector.Injected && ns.Policy == injector.Default && !injector.Speaks(pod):
		return injector.LeaveAlone(no)
	default:
		return no
	}
}

func (h *Handler) excluded(namespace string) bool {
	return h.o.Excluded != nil && h.o.Excluded(namespace)
}

// standing refuses a pod that must not stand in its election.
func (h *Handler) standing(ctx context.Context, e view.Election, d injector.Decision, replaces bool) (no injector.Decision, refused bool) {
	// The request's own context ends with the server, which still has to answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookup)
	defer cancel()
	foreign, err := h.o.Leases.Foreign(ctx, e.Namespace, e.Name)
	switch {
	case err != nil:
		h.o.Logger.WarnContext(ctx, "let a pod in without a look at its lease", "namespace", e.Namespace, "election", e.Name, "error", err)
	case foreign:
		return injector.Refuse(ReasonForeignLease, h.foreign(e)), true
	}
	if why := h.unfit(ctx, e, d); why != "" {
		return injector.Refuse(ReasonForeignEndpoints, why), true
	}
	others, refused, err := h.ofOthers(ctx, e, ownership.Member{Workload: d.Workload, Named: d.Named})
	switch {
	case err != nil:
		h.o.Logger.WarnContext(ctx, "let a pod in without a look at who else stands in its election", "namespace", e.Namespace, "election", e.Name, "error", err)
	case refused:
		return injector.Refuse(ownership.Reason, others.Tell(e.Namespace, e.Name)), true
	}
	gone := ""
	if replaces {
		gone = d.Workload
	}
	other, refused, err := h.otherLock(ctx, e, d.Lock, gone)
	switch {
	case err != nil:
		h.o.Logger.WarnContext(ctx, "let a pod in without a look at the locks of its election", "namespace", e.Namespace, "election", e.Name, "error", err)
	case refused:
		return injector.Refuse(onelock.Reason, other.Tell(e.Namespace, e.Name, d.Lock)), true
	}
	return injector.Decision{}, false
}

// unfit says why nobody stands in an election by Endpoints that can't be its lock; empty
// if they can, or are not.
func (h *Handler) unfit(ctx context.Context, e view.Election, d injector.Decision) string {
	if h.o.Endpoints == nil || d.Lock.Scheme != config.LockEndpoints {
		return ""
	}
	why, err := h.o.Endpoints.Unfit(ctx, e)
	if err != nil {
		h.o.Logger.WarnContext(ctx, "let a pod in without a look at its endpoints", "namespace", e.Namespace, "election", e.Name, "error", err)
	}
	return why
}

// otherLock says whether the pods of an election have another lock.
func (h *Handler) otherLock(ctx context.Context, e view.Election, lock config.LockAddress, workload string) (*onelock.Other, bool, error) {
	if h.o.Elections == nil {
		return nil, false, nil
	}
	return h.o.Elections.OtherLock(ctx, e, lock, workload)
}

// withSharedLock warns where another election of the cluster has the lock, of which one
// alone gets a leader. It is not refused: the address may be changed there next.
func (h *Handler) withSharedLock(ctx context.Context, e view.Election, d injector.Decision) injector.Decision {
	if h.o.Elections == nil || d.Lock.InCluster() {
		return d
	}
	other, found, err := h.o.Elections.SharedLock(ctx, e, d.Lock, d.Workload)
	switch {
	case err != nil:
		h.o.Logger.WarnContext(ctx, "let a pod in without a look at who else has its lock", "namespace", e.Namespace, "election", e.Name, "error", err)
	case found:
		return d.Noted(onelock.ReasonShared, onelock.TellShared(e, other, d.Lock))
	}
	return d
}

// foreign says why nobody stands in an election whose Lease is not ours.
func (h *Handler) foreign(e view.Election) string {
	if h.o.Unmanaged {
		return fmt.Sprintf("the Lease %q in namespace %q is without the label %s, and so not one of Leaseholder's: "+
			"name another election with %s, or label the Lease if it is meant for this one",
			e.Name, e.Namespace, ownLabel, injector.AnnotationElection)
	}
	return fmt.Sprintf("Leaseholder did not make the Lease %q in namespace %q: name another election with %s, or hand the Lease over with the label %s",
		e.Name, e.Namespace, injector.AnnotationElection, ownLabel)
}

// ofOthers says whether an election belongs to others.
func (h *Handler) ofOthers(ctx context.Context, e view.Election, m ownership.Member) (*ownership.Refusal, bool, error) {
	if h.o.Elections == nil {
		return nil, false, nil
	}
	record, err := h.o.Elections.Record(ctx, e)
	if err != nil {
		return nil, false, err
	}
	var others []ownership.Member
	if record.Shared() && !m.Named {
		if others, err = h.o.Elections.Members(ctx, e); err != nil {
			return nil, false, err
		}
	}
	refusal, refused := record.Refuses(m, others)
	return refusal, refused, nil
}
