package gcs

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/auth"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/credentials"
)

// folder is a credentials folder with these files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func alone(t *testing.T) {
	t.Helper()
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	t.Setenv("HOME", t.TempDir())
}

// key is a service account's, for tokens of the server at url.
func key(t *testing.T, url string) string {
	t.Helper()
	const bits = 2048
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	content, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "orders@shop.example", "private_key_id": "1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"token_uri":   url + "/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// tokenServer gives tokens as the metadata server does, and as the one for service
// accounts.
func tokenServer(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := "the key"
		if r.Header.Get("Metadata-Flavor") == "Google" {
			who = "the pod, at " + r.URL.Path
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": who, "expires_in": 3600, "token_type": "Bearer"})
	}))
	t.Cleanup(s.Close)
	return s
}

func TestCredentials(t *testing.T) {
	tokens := tokenServer(t)
	for name, test := range map[string]struct {
		files map[string]string
		want  string // of the request's Authorization
	}{
		"a key":               {map[string]string{keyFile: key(t, tokens.URL)}, "Bearer the key"},
		"the pod's own":       {nil, "Bearer the pod, at /computeMetadata/v1/instance/service-accounts/default/token"},
		"another server":      {map[string]string{credentials.Endpoint: "http://127.0.0.1:1"}, ""},
		"another, with a key": {map[string]string{keyFile: key(t, tokens.URL), credentials.Endpoint: "https://127.0.0.1:1"}, "Bearer the key"},
	} {
		t.Run(name, func(t *testing.T) {
			alone(t)
			t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(tokens.URL, "http://"))
			r := credentials.NewReader(folder(t, test.files))
			given := readSecret(r)
			if err := r.Err(); err != nil || given.endpoint != test.files[credentials.Endpoint] {
				t.Fatalf("the endpoint is %q, %v", given.endpoint, err)
			}
			client, err := connect(given, newTransport())
			if err != nil {
				t.Fatal(err)
			}
			var got string
			s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("Authorization") }))
			defer s.Close()
			ask(t, client, s.URL)
			if got != test.want {
				t.Errorf("the authorization is %q, want %q", got, test.want)
			}
		})
	}
}

// inMemory answers every request: for tokens by the name of the server that gives them,
// and for objects that there are none.
type inMemory struct{ authorization string }

func (m *inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	if r.URL.Path == "/token" {
		answer.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(answer).Encode(map[string]any{"access_token": r.URL.Host, "expires_in": 3600, "token_type": "Bearer"})
	} else {
		m.authorization = r.Header.Get("Authorization")
		answer.WriteHeader(http.StatusNotFound)
	}
	return answer.Result(), nil
}

func TestAChangedKeyIsTakenUp(t *testing.T) {
	alone(t)
	first, second := key(t, "https://first"), key(t, "https://second")
	dir := folder(t, map[string]string{keyFile: first})
	synctest.Test(t, func(t *testing.T) {
		server := &inMemory{}
		services, err := follow(t.Context(), dir, server)
		if err != nil {
			t.Fatal(err)
		}
		store := &Store{services: services, bucket: "locks", name: "orders"}
		for _, now := range []struct{ file, want string }{
			{first, "Bearer first"},
			{second, "Bearer second"},
			{"{}", "Bearer second"}, // wrong for a while
			{first, "Bearer first"},
		} {
			if err := os.WriteFile(filepath.Join(dir, keyFile), []byte(now.file), 0o600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(credentials.Reread)
			if _, err := store.Stat(t.Context()); err != nil || server.authorization != now.want {
				t.Errorf("it asks with %q, want %q: %v", server.authorization, now.want, err)
			}
		}
	})
}

// ask sends one request, and gives how it was spoken.
func ask(t *testing.T, client *http.Client, url string) (protocol string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	return response.Proto
}

func TestWhatIsRefused(t *testing.T) {
	alone(t)
	for name, test := range map[string]struct {
		files map[string]string
		says  string
	}{
		"an endpoint without a scheme":      {map[string]string{credentials.Endpoint: "storage.example.com"}, `endpoint is refused, allowed: a URL that begins with http:// or https://`},
		"an endpoint with a path":           {map[string]string{credentials.Endpoint: "https://storage.example.com/a"}, "without a path"},
		"a key that others could read":      {map[string]string{credentials.Endpoint: "http://storage.example.com", keyFile: key(t, "")}, "allowed: an https URL when there is a key.json"},
		"a key that is none":                {map[string]string{keyFile: "{}"}, "allowed: the key of a service account"},
		"a key of another kind":             {map[string]string{keyFile: `{"type":"external_account"}`}, "allowed: the key of a service account"},
		"an endpoint that cannot be parsed": {map[string]string{credentials.Endpoint: "http://a b"}, "is refused"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(t.Context(), Options{Address: config.LockAddress{Scheme: config.LockGCS}, Credentials: folder(t, test.files)})
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestOtherCredentialsOutsideACluster(t *testing.T) {
	alone(t)
	tokens := tokenServer(t)
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(folder(t, map[string]string{"any.json": key(t, tokens.URL)}), "any.json"))
	found, err := newTokens("", http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	if token, err := found.Token(t.Context()); err != nil || token.Value != "the key" {
		t.Errorf("the token is %+v, %v", token, err)
	}
}

func TestAnUnreadableAnswerOfTheMetadataServer(t *testing.T) {
	alone(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"expires_in":1}`)) }))
	defer s.Close()
	t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(s.URL, "http://"))
	tokens, err := newTokens("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if token, err := tokens.Token(t.Context()); err == nil {
		t.Errorf("it gives %+v", token)
	}
}

// TestOneRequestAConnection holds the transport to HTTP/1.1, also where the server offers
// HTTP/2.
func TestOneRequestAConnection(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	transport := newTransport()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	transport.ForceAttemptHTTP2 = true // as without a configuration of TLS
	if protocol := ask(t, &http.Client{Transport: transport}, s.URL); protocol != "HTTP/1.1" {
		t.Errorf("it speaks %s", protocol)
	}
}

// stuck never gives a token.
type stuck chan struct{}

func (s stuck) Token(context.Context) (*auth.Token, error) {
	<-s
	return nil, errors.New("too late")
}

func TestNobodyWaitsForATokenLongerThanAllowed(t *testing.T) {
	tokens := make(stuck)
	defer close(tokens)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:1", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := authorized{tokens: tokens, next: http.DefaultTransport}.RoundTrip(r)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
	if response != nil {
		_ = response.Body.Close()
	}
}
