package azblob_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/lease"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/azblob"
	"github.com/leaseholder-dev/leaseholder/test/clouds/azurite"
	"github.com/leaseholder-dev/leaseholder/test/clouds/faults"
)

// The shortest that a blob lease may last, and what goes with it.
const (
	leaseDuration = 15 * time.Second
	retryPeriod   = time.Second
)

// place is one blob in an Azurite, missing at first, and an administrator's way to it.
type place struct {
	t       *testing.T
	address config.LockAddress
	blob    *blockblob.Client
}

// open gives a blob in a container of its own.
func open(t *testing.T) *place {
	t.Helper()
	p := &place{t: t, address: config.LockAddress{
		Scheme: config.LockAzureBlob, Account: azurite.Account, Bucket: containerOf(t), Object: "shop/orders",
	}}
	c, err := container.NewClientFromConnectionString(server.ConnectionString(), p.address.Bucket, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	p.blob = c.NewBlockBlobClient(p.address.Object)
	return p
}

// client is one pod's way to the blob.
type client struct {
	lock.Lock
	proxy *faults.Proxy
}

// client gives a lock through a proxy of its own.
func (p *place) client(podUID string) client {
	p.t.Helper()
	proxy := faults.New(p.t, server.URL)
	l, err := azblob.New(p.options(podUID, proxy.URL))
	if err != nil {
		p.t.Fatal(err)
	}
	return client{Lock: l, proxy: proxy}
}

// options are a pod's, whose way to the server is at url.
func (p *place) options(podUID, url string) azblob.Options {
	p.t.Helper()
	return azblob.Options{
		Address: p.address, PodUID: podUID, Period: retryPeriod, LeaseDuration: leaseDuration,
		Credentials: folder(p.t, map[string]string{
			azblob.ConnectionString: azurite.ConnectionString(url + "/" + azurite.Account),
		}),
	}
}

// folder gives one with credentials, as a Secret is mounted.
func folder(t *testing.T, keys map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for key, value := range keys {
		if err := os.WriteFile(filepath.Join(dir, key), []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// state is the blob's lease as the service says it is.
func (p *place) state(ctx context.Context) lease.StateType {
	p.t.Helper()
	properties, err := p.blob.GetProperties(ctx, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return *properties.LeaseState
}

// delete deletes the blob, whoever has its lease.
func (p *place) delete(ctx context.Context) error {
	if err := p.breakLease(ctx); err != nil {
		return err
	}
	_, err := p.blob.Delete(ctx, nil)
	return err
}

// breakLease ends the blob's lease at once, if there is one.
func (p *place) breakLease(ctx context.Context) error {
	if p.state(ctx) == lease.StateTypeAvailable {
		return nil
	}
	l, err := lease.NewBlobClient(p.blob, nil)
	if err != nil {
		return err
	}
	_, err = l.BreakLease(ctx, &lease.BlobBreakOptions{BreakPeriod: new(int32)})
	return err
}

// metadata is the blob's, all of it.
func (p *place) metadata() map[string]*string {
	p.t.Helper()
	properties, err := p.blob.GetProperties(p.t.Context(), &blob.GetPropertiesOptions{})
	if err != nil {
		p.t.Fatal(err)
	}
	return properties.Metadata
}
