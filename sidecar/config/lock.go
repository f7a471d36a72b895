package config

import (
	"regexp"
	"strings"
	"time"
)

// LockScheme is the kind of a lock: the beginning of its address.
type LockScheme string

// The kinds of locks.
const (
	// LockLease is a coordination.k8s.io Lease, named by the election: the default.
	LockLease LockScheme = "lease"
	// LockEndpoints is the annotation of an Endpoints object, named by the election,
	// that leader-elector of 2016 and client-go before v0.24 hold.
	LockEndpoints LockScheme = "endpoints"
	// LockGCS is one object in Google Cloud Storage.
	LockGCS LockScheme = "gs"
	// LockAzureBlob is one blob in Azure Blob Storage, and its blob lease.
	LockAzureBlob LockScheme = "azblob"
	// LockS3 is one object in a store with the API of Amazon S3 and conditional writes.
	LockS3 LockScheme = "s3"
)

// LockAddress says where an election's lock is. Its zero value is no address.
type LockAddress struct {
	// Scheme says which of the others are set: none for lease and endpoints.
	Scheme LockScheme
	// Account is the storage account of an azblob lock.
	Account string
	// Bucket is the bucket, or an azblob lock's container.
	Bucket string
	// Object is the object's name, the blob's, or the key.
	Object string
}

// InCluster says that the lock is an object of the election's own namespace, and is
// reached by the pod's service account.
func (a LockAddress) InCluster() bool { return a.Scheme == LockLease || a.Scheme == LockEndpoints }

// String gives the address as ParseLock reads it.
func (a LockAddress) String() string {
	switch {
	case a.InCluster():
		return string(a.Scheme)
	case a.Scheme == LockAzureBlob:
		return string(a.Scheme) + separator + a.Account + "/" + a.Bucket + "/" + a.Object
	}
	return string(a.Scheme) + separator + a.Bucket + "/" + a.Object
}

// LockSchemes are all kinds of locks, in the order in which they are told to people.
func LockSchemes() []LockScheme {
	return []LockScheme{LockLease, LockEndpoints, LockGCS, LockAzureBlob, LockS3}
}

// Form is how the addresses of such locks look.
func (s LockScheme) Form() string {
	switch s {
	case LockLease, LockEndpoints:
		return string(s)
	case LockAzureBlob:
		return string(s) + separator + "ACCOUNT/CONTAINER/BLOB"
	case LockS3:
		return string(s) + separator + "BUCKET/KEY"
	default: // LockGCS
		return string(s) + separator + "BUCKET/OBJECT"
	}
}

// separator follows the scheme of a lock outside the cluster.
const separator = "://"

// LockAllowed describes what ParseLock accepts.
const LockAllowed = "lease, endpoints, gs://BUCKET/OBJECT, azblob://ACCOUNT/CONTAINER/BLOB, s3://BUCKET/KEY; " +
	"names are the store's own (lower case, digits, '-'), objects are made of letters, digits, '-', '_', '.' and single '/'"

// The names that the stores themselves allow, and nothing that could lead to another host
// or path: a bucket's of Google (3 to 63 characters, '.' and '_' too), a bucket's of Amazon,
// an account's and a container's of Azure.
var (
	gcsBucket      = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$`)
	s3Bucket       = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	azureAccount   = regexp.MustCompile(`^[a-z0-9]{3,24}$`)
	azureContainer = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){2,62}$`)
	object         = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$`)
)

// maxObject is the shortest of what the stores allow for an object's name.
const maxObject = 1000

// ParseLock reads a lock's address; false when it is not allowed. Nothing is looked
// up: whether there is such a bucket, the sidecar learns.
func ParseLock(address string) (LockAddress, bool) {
	scheme, rest, remote := strings.Cut(address, separator)
	a := LockAddress{Scheme: LockScheme(scheme)}
	if !remote {
		return a, a.InCluster()
	}
	bucket := map[LockScheme]*regexp.Regexp{LockGCS: gcsBucket, LockS3: s3Bucket, LockAzureBlob: azureContainer}[a.Scheme]
	if bucket == nil {
		return LockAddress{}, false
	}
	if a.Scheme == LockAzureBlob {
		a.Account, rest, _ = strings.Cut(rest, "/")
		if !azureAccount.MatchString(a.Account) {
			return LockAddress{}, false
		}
	}
	a.Bucket, a.Object, _ = strings.Cut(rest, "/")
	ok := bucket.MatchString(a.Bucket) && !strings.Contains(a.Bucket, "..") &&
		len(a.Object) <= maxObject && object.MatchString(a.Object)
	if !ok {
		return LockAddress{}, false
	}
	return a, true
}

// DefaultTimingOf is the timing of an election that says nothing of its own: 15 s, 10 s
// and 2 s, but for endpoints 10 s, 6 s and 2 s, because the sidecars of 2016 wait for 10 s.
func DefaultTimingOf(scheme LockScheme) Timing {
	if scheme == LockEndpoints {
		return Timing{LeaseDuration: 10 * time.Second, RenewDeadline: 6 * time.Second, RetryPeriod: 2 * time.Second}
	}
	return DefaultTiming()
}

// Bounds of the duration of an Azure blob lease (Lease Blob, REST API).
const (
	minAzureLease = 15 * time.Second
	maxAzureLease = 60 * time.Second
)

// lockFaults lists what of the timing the lock's server does not allow.
func (t Timing) lockFaults(scheme LockScheme) Faults {
	if scheme != LockAzureBlob || t.LeaseDuration >= minAzureLease && t.LeaseDuration <= maxAzureLease {
		return nil
	}
	return Faults{{
		Setting: LeaseDuration,
		Value:   t.LeaseDuration.String(),
		Allowed: "from " + minAzureLease.String() + " to " + maxAzureLease.String() + " for an azblob lock, as blob leases are",
	}}
}
