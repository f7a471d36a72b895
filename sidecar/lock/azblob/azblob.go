// Package azblob is the lock that one blob of Azure Blob Storage holds, and its blob
// lease. The record is the metadata value of package object; the blob's body says no more
// than what the blob is.
//
// It promises what package object does. The rules of the election rest on ETags alone: a
// write names the one that it replaces. The blob lease comes on top. Who takes or renews
// the lock acquires the blob's lease, under that same ETag, and writes under both, so that
// no client that knows nothing of elections writes or deletes the blob of a leader. It is
// never trusted: the service ends it by the service's clock, and a candidate still waits
// for the whole lease duration by its own; and while it lasts longer than that, nobody
// takes the lock.
//
//   - All processes of one pod propose the same lease ID, made of the pod's UID and the
//     blob's address. So an acquisition whose answer was lost can be repeated, and so a
//     process takes its own lock back when it was restarted in its pod. That two of them
//     run at once, the pod's mutex forbids (election.LockPod); if they did, the ETag would
//     still let one write only.
//   - An acquisition with the ID that has the lease renews it, also one that was broken or
//     has run out: there is no other request for renewals. A leader whose lease is broken
//     by hand goes on; to have it hand over, ask it to (lock.Record's StepDown).
//   - A lease of somebody else refuses the lock to every candidate, for as long as it
//     lasts. ErrLeased says so once it has outlasted every candidate's.
//   - A release is written first, and then the lease is given back. Who sees the release in
//     between is refused once, and tries again after some 50 ms.
//
// # What it asks, and of whom
//
// A leader sends two requests a period, Lease Blob and Set Blob Metadata, and a standby one,
// Get Blob Properties: all of the type "other" of Azure's price lists (Map each REST operation
// to a price), which is the cheapest, but for accounts of general purpose v1. So it is
// twice object.Monthly's writes, and its reads: at 2 s and three candidates 5,184,000 a
// month. Put Blob, of the type "write", is sent once, to make the blob, in a container that
// is there already. It would also leave the old state behind at every renewal wherever soft
// delete is on, as it is in accounts that the portal made. Set Blob Metadata does not, but
// leaves a version where versioning is on: use an account without.
//
// The rights: those of the role Storage Blob Data Contributor on the container, of which
// reading and writing blobs (their leases among it) are used; none to list, none to delete.
//
// # What tests against an emulator can't show
//
// Azurite ends leases by this machine's clock; what another clock does is tested against a
// model. It knows one account key, and neither tokens nor roles, so that identities are
// tested no further than that they can be made. It has no limits and no 429 or 503 of its
// own (the tests' proxy answers so for it), no redundancy and no failover: that an answer
// is never older than one before, and that a write names the state it replaces, also
// across a failover within a region, is Microsoft's word. After a failover of the account
// to another region (asynchronous, and an administrator's act) an older state comes back,
// which running candidates take for what it is, and new ones believe. Azurite also lets a
// lease be renewed that has run out while the blob was changed, which Azure does not; nothing
// here renews, acquisitions do.
package azblob

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
)

// Options say which blob, who asks, and how.
type Options struct {
	// Address is the blob's: its Scheme is config.LockAzureBlob.
	Address config.LockAddress
	// PodUID is the UID of this process's pod.
	PodUID string
	// Period is how often a standby asks: the election's retry period.
	Period time.Duration
	// LeaseDuration is that of the election, and of the blob lease: 15 s to 60 s.
	LeaseDuration time.Duration
	// Credentials is the folder of a mounted Secret, with a file a key (Endpoint and
	// others); empty for what the pod's surroundings give.
	Credentials string
}

// New gives the lock. It sends no request; the error is about the credentials.
func New(o Options) (lock.Lock, error) {
	s, err := NewStore(o)
	if err != nil {
		return nil, err
	}
	return object.New(s, object.Options{Name: o.Address.String(), Period: o.Period}), nil
}

// NewStore gives the lock's blob without the lock.
func NewStore(o Options) (object.Store, error) {
	c, err := connect(o.Address, o.Credentials)
	if err != nil {
		return nil, fmt.Errorf("make a client for %s: %w", o.Address, err)
	}
	return newStore(client{c}, leaseID(o.PodUID, o.Address), o.LeaseDuration), nil
}

// leaseID is the UUID (version 8, RFC 9562) that all processes of a pod propose for a blob.
func leaseID(podUID string, a config.LockAddress) string {
	id := sha256.Sum256([]byte(podUID + " " + a.String()))
	const version, variant = 6, 8
	id[version] = id[version]&0x0f | 0x80
	id[variant] = id[variant]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:16])
}
