package gcs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"
	"cloud.google.com/go/compute/metadata"
)

// Files of the credentials folder.
const (
	keyFile      = "key.json"
	endpointFile = "endpoint"
)

// scope is what the credentials are asked for.
const scope = "https://www.googleapis.com/auth/devstorage.read_write"

// tokenTimeout bounds a request for a token that is made before the old one runs out,
// while nobody waits for it.
const tokenTimeout = 30 * time.Second

// connect gives the client to ask with, and the server, empty for Google's own.
func connect(folder string) (client *http.Client, endpoint string, err error) {
	endpoint, err = readEndpoint(folder)
	if err != nil {
		return nil, "", err
	}
	key, err := read(folder, keyFile)
	if err != nil {
		return nil, "", err
	}
	transport := newTransport()
	switch {
	case key == "" && endpoint != "":
		return &http.Client{Transport: transport}, endpoint, nil
	case key != "" && strings.HasPrefix(endpoint, "http:"):
		return nil, "", fmt.Errorf("%s=%q is refused, allowed: an https URL when there is a %s, whose tokens others could read",
			filepath.Join(folder, endpointFile), endpoint, keyFile)
	}
	tokens, err := newTokens(key, &http.Client{Transport: transport, Timeout: tokenTimeout})
	if err != nil {
		return nil, "", err
	}
	return &http.Client{Transport: authorized{tokens: tokens, next: transport}}, endpoint, nil
}

// newTransport speaks HTTP/1.1 alone, and keeps one connection: a request that is given
// up closes its connection, and the next takes a new one. Over HTTP/2 it would go on
// waiting in a dead connection, and cost the lead.
func newTransport() *http.Transport {
	var only http.Protocols
	only.SetHTTP1(true)
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		Protocols:           &only,
		MaxIdleConnsPerHost: 1,
		IdleConnTimeout:     time.Minute,
	}
}

// newTokens gives the credentials that the key is, or that the surroundings have: what
// gcloud or GOOGLE_APPLICATION_CREDENTIALS names outside a cluster, or else the
// metadata server's, which stands for the pod's own identity on Google Kubernetes Engine.
func newTokens(key string, client *http.Client) (auth.TokenProvider, error) {
	options := &credentials.DetectOptions{Scopes: []string{scope}, Client: client}
	var found *auth.Credentials
	var err error
	switch {
	case key != "":
		found, err = credentials.NewCredentialsFromJSON(credentials.ServiceAccount, []byte(key), options)
		if err != nil {
			return nil, fmt.Errorf("read %s, allowed: the key of a service account: %w", keyFile, err)
		}
	case applicationDefault():
		if found, err = credentials.DetectDefault(options); err != nil {
			return nil, fmt.Errorf("read the application default credentials: %w", err)
		}
	default:
		// Not by DetectDefault: it looks once whether there is such a server, and for a
		// pod's first seconds there may be none.
		return auth.NewCachedTokenProvider(metadataTokens{metadata.NewClient(&http.Client{Transport: &http.Transport{}, Timeout: tokenTimeout})}, nil), nil
	}
	return found.TokenProvider, nil
}

// applicationDefault says that there is a file of application default credentials.
func applicationDefault() bool {
	if os.Getenv("GOOGLE_APPLICATION_CREDENTIALS") != "" {
		return true
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return false
	}
	_, err = os.Stat(filepath.Join(home, ".config", "gcloud", "application_default_credentials.json"))
	return err == nil
}

// readEndpoint gives the other server's URL, without a slash at its end.
func readEndpoint(folder string) (string, error) {
	text, err := read(folder, endpointFile)
	if err != nil || text == "" {
		return "", err
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return "", fmt.Errorf("%s=%q is refused, allowed: an http or https URL without a path, such as https://storage.example.com",
			filepath.Join(folder, endpointFile), text)
	}
	return u.Scheme + "://" + u.Host, nil
}

// read gives a file of the folder, empty when there is none.
func read(folder, name string) (string, error) {
	if folder == "" {
		return "", nil
	}
	content, err := os.ReadFile(filepath.Join(folder, name)) //nolint:gosec // the setting's own folder
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the lock's credentials: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}

// authorized adds a token to every request.
type authorized struct {
	tokens auth.TokenProvider
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper. It does not wait longer for a token than the
// request may take, whoever else waits for the same one.
func (a authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	type answer struct {
		token *auth.Token
		err   error
	}
	answers := make(chan answer, 1)
	go func(ctx context.Context) {
		token, err := a.tokens.Token(ctx)
		answers <- answer{token, err}
	}(r.Context())
	var got answer
	select {
	case got = <-answers:
	case <-r.Context().Done():
		got.err = context.Cause(r.Context())
	}
	if got.err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, fmt.Errorf("get a token for Google Cloud Storage: %w", got.err)
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+got.token.Value)
	return a.next.RoundTrip(r) //nolint:wrapcheck // the client's caller does
}
