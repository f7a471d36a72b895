package azblob

import (
	"strings"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/credentials"
)

// The keys of a Secret with credentials, each a file of the folder. Any may be absent.
const (
	// Endpoint is the URL of another blob service of the account (a private one, another
	// cloud's, an emulator's with the account as its path); default Azure's own.
	Endpoint = credentials.Endpoint
	// ConnectionString is what Azure's portal shows: an account key or a signature (SAS),
	// and an endpoint.
	ConnectionString = "connection-string"
	// AccountKey is one of the two keys of the account.
	AccountKey = "account-key"
	// ClientID, TenantID and ClientSecret are an application's of Microsoft Entra. Without
	// the last, the others say which workload or managed identity of the pod's is meant;
	// default what AZURE_CLIENT_ID and AZURE_TENANT_ID say.
	ClientID     = "client-id"
	TenantID     = "tenant-id"
	ClientSecret = "client-secret"
)

// secret is what a folder with credentials says.
type secret struct {
	endpoint                         string
	connectionString, accountKey     string
	clientID, tenantID, clientSecret string
}

// readSecret reads a folder with what signs in to the account.
func readSecret(r *credentials.Reader, account string) secret {
	s := secret{
		endpoint: r.Endpoint(), connectionString: r.Value(ConnectionString), accountKey: r.Value(AccountKey),
		clientID: r.Value(ClientID), tenantID: r.Value(TenantID), clientSecret: r.Value(ClientSecret),
	}
	if many := len(present(s.connectionString, s.accountKey, s.clientSecret)); many > 1 {
		r.Refusef("%s, %s and %s are %d ways to sign in, allowed: one of them", ConnectionString, AccountKey, ClientSecret, many)
	}
	if s.connectionString != "" && s.endpoint != "" {
		r.Refusef("%s and %s both say where the account is, allowed: one of them", ConnectionString, Endpoint)
	}
	if named := accountIn(s.connectionString); named != "" && named != account {
		r.Refusef("%s has AccountName=%q, allowed: %s, the account of the lock", ConnectionString, named, account)
	}
	if s.clientSecret != "" && (s.clientID == "" || s.tenantID == "") {
		r.Refusef("%s needs %s and %s", ClientSecret, ClientID, TenantID)
	}
	return s
}

func present(values ...string) (there []string) {
	for _, value := range values {
		if value != "" {
			there = append(there, value)
		}
	}
	return there
}

// accountIn is the account that a connection string names, if it does.
func accountIn(connectionString string) string {
	for part := range strings.SplitSeq(connectionString, ";") {
		if key, value, _ := strings.Cut(part, "="); strings.EqualFold(key, "AccountName") {
			return value
		}
	}
	return ""
}
