package e2e

import (
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"github.com/leaseholder-dev/leaseholder/test/clouds/faults"
)

// bucket is what the example names.
const bucket = "example-locks"

// startStore starts a server with the API of Google Cloud Storage on this machine.
func startStore(t *testing.T) *fakestorage.Server {
	t.Helper()
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: bucket})
	return server
}

// wayTo is how the pods of one cluster reach the store.
func wayTo(t *testing.T, server *fakestorage.Server, at site) *faults.Proxy {
	t.Helper()
	return faults.Listen(t, at.prod.Cluster.Gateway()+":0", server.URL())
}
