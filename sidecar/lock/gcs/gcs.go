// Package gcs is the lock that one object in Google Cloud Storage holds, at
// gs://BUCKET/OBJECT: what elects one leader in several clusters. It is an object.Lock
// over the JSON API, through Google's own client of it (google.golang.org/api/storage).
// The larger cloud.google.com/go/storage calls the same client for the JSON API; what it
// has beside that (gRPC with xDS, metrics) makes a program of 34 MB that is one of 16 MB
// without.
//
// The precondition of a write is generation and metageneration, so that a metadata value
// edited by hand is a change like any other. Nothing is repeated here: the election
// repeats, after it has looked again, and by then a repetition could only be mistaken for
// another's write. Google allows about one write a second to one object name, so that two
// writes of one process lie a second apart (minWriteInterval).
//
// What an election asks of Google a month, object.Monthly computes. Its writes are
// operations of class A, its reads of class B.
//
// The rights: storage.objects.get, create and delete (an overwrite is one) on the object,
// as roles/storage.objectUser has them; storage.objects.list too, without which a missing
// object may be answered as a forbidden one. The bucket: standard storage class, no retention policy (it forbids
// overwrites), neither object versioning nor soft delete (every renewal would leave an old
// object behind).
//
// # What tests against an emulator can't show
//
// The tests run against fake-gcs-server. It has no limit of one write a second, no quota
// and no 429 of its own (the tests' proxy answers so for it); it is one process, so that
// the consistency that Google promises, also when a zone fails, is taken from Google's
// word; it checks no credentials, IAM policy or conditions; there is no metadata server,
// so that workload identity is tested against a stand-in for one; it does not keep bucket
// policies (retention, soft delete, versioning) as Google does; and every metageneration is
// 1 there, so that an edit of the metadata alone is not seen.
package gcs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/storage/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/credentials"
)

// minWriteInterval is Google's limit for writes to one object name.
const minWriteInterval = time.Second

// noStore keeps every cache between Google and a reader of the object from answering.
const noStore = "no-store"

// Options say where the lock is.
type Options struct {
	// Address is a gs:// address.
	Address config.LockAddress
	// Credentials is the folder with key.json and endpoint, each of which may be absent,
	// as the folder may. Without key.json the pod's surroundings give the credentials; with
	// endpoint alone there are none. What is changed in it is taken up.
	Credentials string
	// Period is the election's retry period.
	Period time.Duration
}

// New gives the lock. It sends no request; the error is about the credentials folder.
func New(ctx context.Context, o Options) (lock.Lock, error) {
	store, err := NewStore(ctx, o)
	if err != nil {
		return nil, err
	}
	return object.New(store, object.Options{
		Name:             o.Address.String(),
		Period:           o.Period,
		MinWriteInterval: minWriteInterval,
	}), nil
}

// Store is an object.Store.
type Store struct {
	services     *credentials.Current[secret, *storage.Service]
	bucket, name string
}

var _ object.Store = (*Store)(nil)

// NewStore gives the lock's object without the lock.
func NewStore(ctx context.Context, o Options) (*Store, error) {
	services, err := follow(ctx, o.Credentials, newTransport())
	if err != nil {
		return nil, err
	}
	return &Store{services: services, bucket: o.Address.Bucket, name: o.Address.Object}, nil
}

// Stat implements object.Store: it reads metadata alone.
func (s *Store) Stat(ctx context.Context) (object.State, error) {
	answer, err := s.services.Get().Objects.Get(s.bucket, s.name).
		Fields("generation", "metageneration", "metadata").Context(ctx).Do()
	if failure, is := errors.AsType[*googleapi.Error](err); is && failure.Code == http.StatusNotFound {
		return object.State{ServerTime: date(failure.Header)}, nil
	}
	if err != nil {
		return object.State{}, failed(err)
	}
	state := stateOf(answer)
	state.Value = answer.Metadata[object.MetadataKey]
	return state, nil
}

// Put implements object.Store: metadata and body go in one request.
func (s *Store) Put(ctx context.Context, base string, entry object.Entry) (object.State, error) {
	insert := s.services.Get().Objects.Insert(s.bucket, &storage.Object{
		Name:         s.name,
		Metadata:     map[string]string{object.MetadataKey: entry.Value()},
		ContentType:  object.ContentType,
		CacheControl: noStore,
	})
	if base == "" {
		insert = insert.IfGenerationMatch(0) // none
	} else {
		generation, metageneration, err := parse(base)
		if err != nil {
			return object.State{}, err
		}
		insert = insert.IfGenerationMatch(generation).IfMetagenerationMatch(metageneration)
	}
	answer, err := insert.
		// Without chunks it is one request, which the client does not repeat.
		Media(bytes.NewReader(entry.Body()), googleapi.ChunkSize(0), googleapi.ContentType(object.ContentType)).
		Fields("generation", "metageneration").Context(ctx).Do()
	if err != nil {
		return object.State{}, failed(err)
	}
	return stateOf(answer), nil
}

func stateOf(o *storage.Object) object.State {
	return object.State{
		Exists:     true,
		Revision:   fmt.Sprintf("%d/%d", o.Generation, o.Metageneration),
		ServerTime: date(o.Header),
	}
}

// parse reads a revision as stateOf writes it.
func parse(revision string) (generation, metageneration int64, err error) {
	before, after, _ := strings.Cut(revision, "/")
	if generation, err = strconv.ParseInt(before, 10, 64); err == nil {
		metageneration, err = strconv.ParseInt(after, 10, 64)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("revision %q is not one of Google Cloud Storage: %w", revision, err)
	}
	return generation, metageneration, nil
}

// failed says what failed in terms of package lock. Everything else (429 and 503 among
// it, and a bucket that is not there) says nothing of the lock.
func failed(err error) error {
	failure, is := errors.AsType[*googleapi.Error](err)
	if !is {
		return err
	}
	switch failure.Code {
	case http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %w", lock.ErrConflict, err)
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: %w", lock.ErrForbidden, err)
	}
	return err
}

// date is the server's clock, zero when the answer did not tell it.
func date(h http.Header) time.Time {
	t, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t
}
