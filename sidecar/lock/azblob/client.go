package azblob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	azureblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/lease"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// client is a blob, by Azure's SDK.
type client struct{ *connection }

var _ blob = client{}

func (c client) properties(ctx context.Context) (properties, error) {
	r, err := c.client().GetProperties(ctx, nil)
	switch {
	case bloberror.HasCode(err, bloberror.BlobNotFound):
		return properties{answer: answer{date: dateOf(err)}}, lock.ErrMissing
	case err != nil:
		return properties{}, failed(err)
	}
	metadata := make(map[string]string, len(r.Metadata))
	for key, value := range r.Metadata {
		metadata[key] = orZero(value)
	}
	return properties{answer: newAnswer(r.ETag, r.Date), metadata: metadata}, nil
}

func (c client) create(ctx context.Context, text string, metadata map[string]string) (answer, error) {
	none, kind := azcore.ETagAny, "text/plain; charset=utf-8"
	r, err := c.client().Upload(ctx, streaming.NopCloser(bytes.NewReader([]byte(text))), &blockblob.UploadOptions{
		Metadata:    pointers(metadata),
		HTTPHeaders: &azureblob.HTTPHeaders{BlobContentType: &kind},
		AccessConditions: &azureblob.AccessConditions{
			ModifiedAccessConditions: &azureblob.ModifiedAccessConditions{IfNoneMatch: &none},
		},
	})
	return newAnswer(r.ETag, r.Date), failed(err)
}

func (c client) acquire(ctx context.Context, leaseID string, d time.Duration, etag string) error {
	l, err := c.lease(leaseID)
	if err != nil {
		return err
	}
	_, err = l.AcquireLease(ctx, int32(d/time.Second), &lease.BlobAcquireOptions{ModifiedAccessConditions: onlyIf(etag)})
	return failed(err)
}

func (c client) setMetadata(ctx context.Context, leaseID, etag string, metadata map[string]string) (answer, error) {
	r, err := c.client().SetMetadata(ctx, pointers(metadata), &azureblob.SetMetadataOptions{AccessConditions: &azureblob.AccessConditions{
		LeaseAccessConditions:    &azureblob.LeaseAccessConditions{LeaseID: &leaseID},
		ModifiedAccessConditions: onlyIf(etag),
	}})
	return newAnswer(r.ETag, r.Date), failed(err)
}

func (c client) release(ctx context.Context, leaseID, etag string) error {
	l, err := c.lease(leaseID)
	if err != nil {
		return err
	}
	_, err = l.ReleaseLease(ctx, &lease.BlobReleaseOptions{ModifiedAccessConditions: onlyIf(etag)})
	return failed(err)
}

func (c client) lease(id string) (*lease.BlobClient, error) {
	l, err := lease.NewBlobClient(c.client(), &lease.BlobClientOptions{LeaseID: &id})
	if err != nil {
		return nil, fmt.Errorf("lease the blob as %q: %w", id, err)
	}
	return l, nil
}

func onlyIf(etag string) *azureblob.ModifiedAccessConditions {
	tag := azcore.ETag(etag)
	return &azureblob.ModifiedAccessConditions{IfMatch: &tag}
}

func newAnswer(etag *azcore.ETag, date *time.Time) answer {
	return answer{etag: string(orZero(etag)), date: orZero(date)}
}

// kinds says what the service's errors mean to the store. That the container is missing
// says nothing of the blob.
var kinds = []struct {
	kind  error
	codes []bloberror.Code
}{
	{errLeased, []bloberror.Code{bloberror.LeaseAlreadyPresent}},
	{errBreaking, []bloberror.Code{bloberror.LeaseIsBreakingAndCannotBeAcquired}},
	{lock.ErrConflict, []bloberror.Code{
		bloberror.BlobNotFound, bloberror.BlobAlreadyExists, bloberror.ConditionNotMet, bloberror.LeaseIDMissing, bloberror.LeaseLost,
		bloberror.LeaseIDMismatchWithBlobOperation, bloberror.LeaseNotPresentWithBlobOperation,
		bloberror.LeaseIDMismatchWithLeaseOperation, bloberror.LeaseNotPresentWithLeaseOperation,
	}},
}

// failed says what failed in the terms of blob.
func failed(err error) error {
	if err == nil {
		return nil
	}
	if unsent, ok := errors.AsType[*url.Error](err); ok {
		// Its text has the whole URL, which a shared access signature is a part of.
		return fmt.Errorf("%s: %w", unsent.Op, unsent.Err)
	}
	var response *azcore.ResponseError
	if !errors.As(err, &response) {
		return err
	}
	// The SDK would print the whole answer.
	short := refusal{response}
	for _, k := range kinds {
		if bloberror.HasCode(err, k.codes...) {
			return fmt.Errorf("%w: %w", k.kind, short)
		}
	}
	if response.StatusCode == http.StatusForbidden || response.StatusCode == http.StatusUnauthorized {
		return fmt.Errorf("%w: %w", lock.ErrForbidden, short)
	}
	return short
}

// refusal is an answer that is an error, in one line.
type refusal struct{ *azcore.ResponseError }

func (r refusal) Error() string {
	if r.ErrorCode == "" {
		return fmt.Sprintf("the service answers %d", r.StatusCode)
	}
	return fmt.Sprintf("the service answers %d %s", r.StatusCode, r.ErrorCode)
}

func (r refusal) Unwrap() error { return r.ResponseError }

// dateOf is the Date of an answer that is an error.
func dateOf(err error) time.Time {
	var response *azcore.ResponseError
	if !errors.As(err, &response) || response.RawResponse == nil {
		return time.Time{}
	}
	date, err := http.ParseTime(response.RawResponse.Header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return date
}

func pointers(metadata map[string]string) map[string]*string {
	to := make(map[string]*string, len(metadata))
	for key, value := range metadata {
		to[key] = &value
	}
	return to
}

func orZero[T any](p *T) (value T) {
	if p != nil {
		value = *p
	}
	return value
}
