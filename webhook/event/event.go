// Package event tells people what happened, as Kubernetes Events.
//
// It promises that what happened once is told once, however often it is tried
// and by whichever replica: an Event's name follows from what it tells. A
// recorder such as client-go's takes two Events with the same objects and
// reason for one that is repeated, and drops what the second says.
//
// An Event that can't be made is logged and forgotten: nothing rests on it. Where
// nobody may wait for the API server, a Queue stands between.
package event

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash/fnv"
	"log/slog"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

const (
	// maxPrefix leaves room for the hash in an Event's name.
	maxPrefix = 200
	// MaxNote is the API's bound on a note, in bytes.
	MaxNote = 1024
)

// Event is one thing to tell.
type Event struct {
	// Regarding is what the Event is shown on, Related what else it is about, if it
	// is about something else.
	Regarding, Related corev1.ObjectReference
	// Type is corev1.EventTypeNormal or corev1.EventTypeWarning.
	Type string
	// Reason and Action are words for programs, in CamelCase.
	Reason, Action string
	// Note is a sentence for people. What is beyond MaxNote is cut off.
	Note string
	// Occasion tells this from another Event with the same reason on the same
	// object, such as a term's token, or the Digest of a longer text.
	Occasion string
}

// Teller makes Events. All fields must be set.
type Teller struct {
	// Client needs the right to create Events.
	Client client.Client
	// Instance names this process: its pod's name.
	Instance string
	Logger   *slog.Logger
}

// Tell makes the Event unless it exists, and says whether it does now.
func (t Teller) Tell(ctx context.Context, e Event) (told bool) {
	made := &eventsv1.Event{
		ObjectMeta:          metav1.ObjectMeta{Namespace: e.Regarding.Namespace, Name: e.name()},
		EventTime:           metav1.NewMicroTime(time.Now()),
		ReportingController: view.Reporter,
		ReportingInstance:   t.Instance,
		Action:              e.Action,
		Reason:              e.Reason,
		Regarding:           e.Regarding,
		Note:                strings.ToValidUTF8(e.Note[:min(len(e.Note), MaxNote)], ""),
		Type:                e.Type,
	}
	if e.Related != (corev1.ObjectReference{}) {
		made.Related = &e.Related
	}
	if err := t.Client.Create(ctx, made); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Logger.WarnContext(ctx, "could not make an event", "namespace", made.Namespace, "reason", e.Reason, "error", err)
		return false
	}
	return true
}

// Digest stands for a text of any length.
func Digest(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// name begins with the object's, for people, and ends with a hash of all that
// tells Events apart.
func (e Event) name() string {
	hash := fnv.New64a()
	_, _ = fmt.Fprintf(hash, "%s/%s/%s/%s", e.Regarding.Kind, e.Regarding.UID, e.Reason, e.Occasion) // a hash takes everything
	prefix := strings.TrimRight(e.Regarding.Name[:min(len(e.Regarding.Name), maxPrefix)], "-.")
	return fmt.Sprintf("%s.%016x", prefix, hash.Sum64())
}

// Reference refers to an object, whose kind the object itself may not know.
func Reference(apiVersion, kind string, o metav1.Object) corev1.ObjectReference {
	return corev1.ObjectReference{APIVersion: apiVersion, Kind: kind, Namespace: o.GetNamespace(), Name: o.GetName(), UID: o.GetUID()}
}
