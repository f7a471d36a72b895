package lock

import (
	"strings"
	"time"
)

// Identity names one candidate: a pod, and one start of a process in it. Pod
// names alone come again (a StatefulSet's), pod UIDs outlive a restart.
type Identity struct {
	// Pod is the pod's name, UID its UID, Start differs at every process start.
	Pod, UID, Start string
}

// String gives the identity as a holder is written: "<pod>_<uid>_<start>".
func (i Identity) String() string { return strings.Join([]string{i.Pod, i.UID, i.Start}, separator) }

// separator can be part neither of a pod's name nor of a UID.
const separator = "_"

// ParseIdentity reads what String wrote; false for a foreign holder.
func ParseIdentity(holder string) (Identity, bool) {
	parts := strings.Split(holder, separator)
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return Identity{}, false
	}
	return Identity{Pod: parts[0], UID: parts[1], Start: parts[2]}, true
}

// PodName is the leader's name as people and old clients know it: the pod of
// an identity of ours, or the whole of a foreign one.
func PodName(holder string) string {
	if id, ok := ParseIdentity(holder); ok {
		return id.Pod
	}
	return holder
}

// markTime is the precision at which every backend keeps a renewal's time.
const markTime = "2006-01-02T15:04:05Z"

// ReleaseMark is what a holder leaves in the record when it lets go: its
// identity and the renewal's time of that very record.
func ReleaseMark(identity string, renewed time.Time) string {
	return identity + " " + renewed.UTC().Format(markTime)
}
