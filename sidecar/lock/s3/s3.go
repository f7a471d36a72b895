// Package s3 is the lock that one object of Amazon S3 holds, or of another store with
// its API and conditional writes: an object.Store over PutObject with If-None-Match and
// If-Match, and HeadObject. It is the worked example of docs/adding-a-lock.md.
//
// It promises what package object asks of a store, and rests on what the store's
// documentation must promise in turn: an answer shows all that was written before it was
// asked, and of several writes on one ETag one succeeds. Amazon S3 says so. A store
// that ignores the two headers would elect as many leaders as there are candidates;
// TestConformance in test/clouds/s3 is what tells.
//
//   - A state's revision is its ETag, which is made of the body (its MD5, mostly), and
//     orders nothing. No two bodies are alike, for each holds its write's ID.
//   - A request is sent once. What failed, the election repeats when it has looked again.
//   - A request that is given up takes its connection along, so that a dead one costs no
//     more than the attempt that found it.
package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/credentials"
)

// Options say where the lock is, and how to reach it.
type Options struct {
	// Address is an s3:// address.
	Address config.LockAddress
	// Credentials is a folder with a file a key (Endpoint, Region, PathStyle, AccessKeyID,
	// SecretAccessKey), as a Secret is mounted. Empty, the default, and each absent key
	// leaves it to the pod's surroundings.
	Credentials string
	// Period is the election's retry period; default object.DefaultPeriod.
	Period time.Duration
}

// New gives the lock. It sends no request; the error is about what the credentials
// say, or that nothing says the region.
func New(ctx context.Context, o Options) (lock.Lock, error) {
	s, err := NewStore(ctx, o)
	if err != nil {
		return nil, err
	}
	return object.New(s, object.Options{Name: o.Address.String(), Period: o.Period}), nil
}

// NewStore gives the store that New's lock is kept in.
func NewStore(ctx context.Context, o Options) (object.Store, error) {
	clients, err := follow(ctx, o.Credentials)
	if err != nil {
		return nil, err
	}
	return &store{clients: clients, bucket: o.Address.Bucket, key: o.Address.Object}, nil
}

// store is one object of a bucket.
type store struct {
	clients     *credentials.Current[secret, *s3.Client]
	bucket, key string
}

// Stat implements object.Store.
func (s *store) Stat(ctx context.Context) (object.State, error) {
	head, err := s.clients.Get().HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: &s.key})
	switch {
	case status(err) == http.StatusNotFound:
		return object.State{ServerTime: date(err)}, nil
	case err != nil:
		return object.State{}, failed(err)
	}
	return object.State{
		Exists:     true,
		Revision:   aws.ToString(head.ETag),
		Value:      head.Metadata[object.MetadataKey],
		ServerTime: served(head.ResultMetadata),
	}, nil
}

// Put implements object.Store.
func (s *store) Put(ctx context.Context, base string, entry object.Entry) (object.State, error) {
	input := &s3.PutObjectInput{
		Bucket:       &s.bucket,
		Key:          &s.key,
		Body:         bytes.NewReader(entry.Body()),
		ContentType:  aws.String(object.ContentType),
		CacheControl: aws.String("no-store"),
		Metadata:     map[string]string{object.MetadataKey: entry.Value()},
	}
	if base == "" {
		input.IfNoneMatch = aws.String("*")
	} else {
		input.IfMatch = &base
	}
	put, err := s.clients.Get().PutObject(ctx, input)
	if err != nil {
		return object.State{}, failed(err)
	}
	return object.State{Exists: true, Revision: aws.ToString(put.ETag), ServerTime: served(put.ResultMetadata)}, nil
}

// Error codes of the API. HeadObject's answers have no body, and so no code.
const (
	// codeConflict: another conditional write was under way, and this one not executed.
	codeConflict = "ConditionalRequestConflict"
	// codeNoKey: there is nothing to match.
	codeNoKey = "NoSuchKey"
)

// failed says what failed in terms of package object.
func failed(err error) error {
	code := ""
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		code = api.ErrorCode()
	}
	switch status := status(err); {
	case status == http.StatusPreconditionFailed, code == codeConflict, code == codeNoKey:
		return fmt.Errorf("%w: %w", lock.ErrConflict, err)
	case status == http.StatusForbidden, status == http.StatusUnauthorized:
		return fmt.Errorf("%w (without s3:ListBucket a missing object is answered so too): %w", lock.ErrForbidden, err)
	case status == http.StatusMovedPermanently, status == http.StatusBadRequest:
		if region := header(err, "X-Amz-Bucket-Region"); region != "" {
			return fmt.Errorf("the bucket is in region %q: %w", region, err)
		}
	}
	return err
}

// status is the HTTP status of an answer that is an error, and 0 when there was none.
func status(err error) int {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) {
		return 0
	}
	return answer.HTTPStatusCode()
}

// header is a header of an answer that is an error.
func header(err error, name string) string {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) || answer.Response == nil {
		return ""
	}
	return answer.Response.Header.Get(name)
}

// served is the store's clock as an answer told it.
func served(answer smithymiddleware.Metadata) time.Time {
	at, _ := middleware.GetServerTime(answer)
	return at
}

// date is served for an answer that is an error.
func date(err error) time.Time {
	at, _ := http.ParseTime(header(err, "Date"))
	return at
}
