// Package gcs_test holds the lock in Google Cloud Storage against a real server of its
// JSON API, fake-gcs-server, in this process and through a proxy of faults. What that
// server can't show is said in package sidecar/lock/gcs.
package gcs_test

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/gcs"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
	"github.com/leaseholder-dev/leaseholder/test/clouds/faults"
)

const (
	bucket = "shop-locks"
	name   = "prod/orders"
)

// cloud is a server with an empty bucket.
type cloud struct {
	*fakestorage.Server
	url string
}

func newCloud(t *testing.T) cloud {
	t.Helper()
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: bucket})
	front := httptest.NewServer(server.HTTPHandler())
	t.Cleanup(front.Close)
	return cloud{server, front.URL}
}

func (c cloud) delete(ctx context.Context) error {
	return c.Client().Bucket(bucket).Object(name).Delete(ctx)
}

// client gives a way to the lock's object, and the proxy that it leads through.
func (c cloud) client(t *testing.T) (*gcs.Store, *faults.Proxy) {
	t.Helper()
	proxy := faults.New(t, c.url)
	store, err := gcs.NewStore(t.Context(), options(t, proxy.URL))
	if err != nil {
		t.Fatal(err)
	}
	return store, proxy
}

// lock is the same with the lock itself. It asks often, and need not wait between two
// writes, as this server has no such limit.
func (c cloud) lock(t *testing.T) (*object.Lock, *faults.Proxy) {
	t.Helper()
	store, proxy := c.client(t)
	return object.New(store, object.Options{Name: "the lock", Period: 10 * time.Millisecond}), proxy
}

func options(t *testing.T, endpoint string) gcs.Options {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "endpoint"), []byte(endpoint+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address, ok := config.ParseLock("gs://" + bucket + "/" + name)
	if !ok {
		t.Fatal("the address is refused")
	}
	return gcs.Options{Address: address, Credentials: folder, Period: time.Second}
}
