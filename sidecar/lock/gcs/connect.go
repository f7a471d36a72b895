package gcs

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cloud.google.com/go/auth"
	google "cloud.google.com/go/auth/credentials"
	"cloud.google.com/go/compute/metadata"
	"google.golang.org/api/option"
	"google.golang.org/api/storage/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/credentials"
)

// keyFile is the key of a Secret with credentials that has a service account's key.
const keyFile = "key.json"

// scope is what the credentials are asked for.
const scope = "https://www.googleapis.com/auth/devstorage.read_write"

// tokenTimeout bounds a request for a token that is made before the old one runs out,
// while nobody waits for it.
const tokenTimeout = 30 * time.Second

// secret is what a folder with credentials says.
type secret struct{ endpoint, key string }

// readSecret reads a folder.
func readSecret(r *credentials.Reader) secret {
	s := secret{endpoint: r.Origin(), key: r.Value(keyFile)}
	if s.key != "" && strings.HasPrefix(s.endpoint, "http:") {
		r.Refusef("%s is refused, allowed: an https URL when there is a %s, whose tokens others could read", credentials.Endpoint, keyFile)
	}
	return s
}

// follow gives clients of the JSON API, as the folder is now.
func follow(ctx context.Context, folder string, transport http.RoundTripper) (*credentials.Current[secret, *storage.Service], error) {
	longer := context.WithoutCancel(ctx)
	return credentials.Follow(folder, readSecret, func(given secret) (*storage.Service, error) { //nolint:wrapcheck // it says what is wrong
		client, err := connect(given, transport)
		if err != nil {
			return nil, err
		}
		options := []option.ClientOption{option.WithHTTPClient(client)}
		if given.endpoint != "" {
			options = append(options, option.WithEndpoint(given.endpoint+"/storage/v1/"))
		}
		service, err := storage.NewService(longer, options...)
		if err != nil {
			return nil, fmt.Errorf("make a client of Google Cloud Storage: %w", err)
		}
		return service, nil
	})
}

// connect gives the client to ask with.
func connect(given secret, transport http.RoundTripper) (*http.Client, error) {
	if given.key == "" && given.endpoint != "" {
		return &http.Client{Transport: transport}, nil
	}
	tokens, err := newTokens(given.key, &http.Client{Transport: transport, Timeout: tokenTimeout})
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: authorized{tokens: tokens, next: transport}}, nil
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
	options := &google.DetectOptions{Scopes: []string{scope}, Client: client}
	var found *auth.Credentials
	var err error
	switch {
	case key != "":
		found, err = google.NewCredentialsFromJSON(google.ServiceAccount, []byte(key), options)
		if err != nil {
			return nil, fmt.Errorf("read %s, allowed: the key of a service account: %w", keyFile, err)
		}
	case applicationDefault():
		if found, err = google.DetectDefault(options); err != nil {
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
