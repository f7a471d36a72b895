package azblob

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// The keys of a Secret with credentials, each a file of the folder. Any may be absent.
const (
	// Endpoint is the URL of another blob service of the account (a private one, another
	// cloud's, an emulator's with the account as its path); default Azure's own.
	Endpoint = "endpoint"
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

// readSecret reads a folder, and lists all that is wrong in it. No secret value is ever
// part of an error.
func readSecret(folder, account string) (secret, error) {
	var s secret
	var faults []error
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for key, to := range map[string]*string{
		Endpoint: &s.endpoint, ConnectionString: &s.connectionString, AccountKey: &s.accountKey,
		ClientID: &s.clientID, TenantID: &s.tenantID, ClientSecret: &s.clientSecret,
	} {
		value, err := read(folder, key)
		*to = value
		faults = append(faults, err)
	}
	if s.endpoint != "" && !isURL(s.endpoint) {
		add("%s=%q, allowed: a URL that begins with http:// or https://, without a user", Endpoint, s.endpoint)
	}
	if many := len(present(s.connectionString, s.accountKey, s.clientSecret)); many > 1 {
		add("%s, %s and %s are %d ways to sign in, allowed: one of them", ConnectionString, AccountKey, ClientSecret, many)
	}
	if s.connectionString != "" && s.endpoint != "" {
		add("%s and %s both say where the account is, allowed: one of them", ConnectionString, Endpoint)
	}
	if named := accountIn(s.connectionString); named != "" && named != account {
		add("%s has AccountName=%q, allowed: %s, the account of the lock", ConnectionString, named, account)
	}
	if s.clientSecret != "" && (s.clientID == "" || s.tenantID == "") {
		add("%s needs %s and %s", ClientSecret, ClientID, TenantID)
	}
	if err := errors.Join(faults...); err != nil {
		return secret{}, fmt.Errorf("read the credentials in %q: %w", folder, err)
	}
	return s, nil
}

func present(values ...string) (there []string) {
	for _, value := range values {
		if value != "" {
			there = append(there, value)
		}
	}
	return there
}

func isURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
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

// read gives a key's value without white space around it, and empty for one that is
// absent.
func read(folder, key string) (string, error) {
	if folder == "" {
		return "", nil
	}
	text, err := os.ReadFile(filepath.Join(folder, key))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read %s: %w", key, err)
	}
	return strings.TrimSpace(string(text)), nil
}
