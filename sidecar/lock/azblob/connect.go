package azblob

import (
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	azureblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/credentials"
)

// connection is the SDK's client of one blob, with the credentials that the folder has
// now.
type connection struct {
	address config.LockAddress
	options policy.ClientOptions
	clients *credentials.Current[secret, *blockblob.Client]
}

// connect reads the folder, and sends no request.
func connect(a config.LockAddress, folder string) (*connection, error) {
	c := &connection{address: a, options: policy.ClientOptions{
		// The election repeats a request, when it has looked again.
		Retry:     policy.RetryOptions{MaxRetries: -1},
		Telemetry: policy.TelemetryOptions{ApplicationID: "leaseholder"},
		Transport: &http.Client{Transport: transport()},
	}}
	var err error
	c.clients, err = credentials.Follow(folder, func(r *credentials.Reader) secret { return readSecret(r, a.Account) }, c.signIn)
	return c, err //nolint:wrapcheck // it says what is wrong
}

// transport speaks HTTP/1.1 alone, where every request that is given up closes its
// connection, so that the next attempt takes a new one: over HTTP/2 it would go on waiting
// in a dead connection, and cost the lead. Nor are there many that could all be dead. It is
// no clone of the default one, which would offer HTTP/2 to servers all the same.
func transport() *http.Transport {
	var only http.Protocols
	only.SetHTTP1(true)
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		Protocols:           &only,
		MaxIdleConnsPerHost: 1,
		IdleConnTimeout:     idle,
		TLSHandshakeTimeout: handshake,
	}
}

// Those of the default transport.
const (
	idle      = 90 * time.Second
	handshake = 10 * time.Second
)

func (c *connection) client() *blockblob.Client { return c.clients.Get() }

// signIn gives a client that uses what the secret holds or, failing that, the pod's
// workload identity, or the node's managed identity.
func (c *connection) signIn(s secret) (*blockblob.Client, error) {
	options := &blockblob.ClientOptions{ClientOptions: c.options}
	var client *blockblob.Client
	var err error
	switch {
	case s.connectionString != "":
		client, err = blockblob.NewClientFromConnectionString(s.connectionString, c.address.Bucket, c.address.Object, options)
	case s.accountKey != "":
		var key *azureblob.SharedKeyCredential
		if key, err = azureblob.NewSharedKeyCredential(c.address.Account, s.accountKey); err == nil {
			client, err = blockblob.NewClientWithSharedKeyCredential(c.url(s), key, options)
		}
	default:
		var identity azcore.TokenCredential
		if identity, err = c.identity(s); err == nil {
			client, err = blockblob.NewClient(c.url(s), identity, options)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("sign in to the account %s: %w", c.address.Account, err)
	}
	return client, nil
}

// url is the blob's. Names need no escaping: config.ParseLock allows none that would.
func (c *connection) url(s secret) string {
	endpoint := s.endpoint
	if endpoint == "" {
		endpoint = "https://" + c.address.Account + ".blob.core.windows.net"
	}
	return endpoint + "/" + c.address.Bucket + "/" + c.address.Object
}

// identity gives what asks for tokens. The SDK's own chain would bring what signs in
// developers along.
func (c *connection) identity(s secret) (identity azcore.TokenCredential, err error) {
	// Requests for tokens may be repeated, within the request that needs one.
	options := c.options
	options.Retry = policy.RetryOptions{}
	switch {
	case s.clientSecret != "":
		identity, err = azidentity.NewClientSecretCredential(s.tenantID, s.clientID, s.clientSecret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options})
	case os.Getenv("AZURE_FEDERATED_TOKEN_FILE") != "":
		identity, err = azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: options, ClientID: s.clientID, TenantID: s.tenantID,
		})
	default:
		o := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: options}
		if id := s.clientID; id != "" {
			o.ID = azidentity.ClientID(id)
		} else if id = os.Getenv("AZURE_CLIENT_ID"); id != "" {
			o.ID = azidentity.ClientID(id)
		}
		identity, err = azidentity.NewManagedIdentityCredential(o)
	}
	return identity, err //nolint:wrapcheck // signIn says what failed
}
