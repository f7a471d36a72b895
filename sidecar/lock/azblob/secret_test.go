package azblob

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/credentials"
)

// folder gives one with a file a key.
func folder(t *testing.T, keys map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for key, value := range keys {
		put(t, dir, key, value)
	}
	return dir
}

func put(t *testing.T, dir, key, value string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, key), []byte(value+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

const key = "c2VjcmV0"

func TestSecrets(t *testing.T) {
	connection := "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=" + key + ";EndpointSuffix=core.windows.net"
	tests := map[string]struct {
		keys map[string]string
		url  string
		want []string // of the error
	}{
		"nothing":             {nil, "https://shop.blob.core.windows.net/locks/orders", nil},
		"an account key":      {map[string]string{AccountKey: key}, "https://shop.blob.core.windows.net/locks/orders", nil},
		"a connection string": {map[string]string{ConnectionString: connection}, "https://shop.blob.core.windows.net/locks/orders", nil},
		"a signature": {
			map[string]string{ConnectionString: "BlobEndpoint=https://shop.privatelink.example;SharedAccessSignature=sv=1&sig=2"},
			"https://shop.privatelink.example/locks/orders?sv=1&sig=2", nil,
		},
		"an endpoint": {
			map[string]string{Endpoint: "http://127.0.0.1:10000/shop/", AccountKey: key},
			"http://127.0.0.1:10000/shop/locks/orders", nil,
		},
		"an application": {
			map[string]string{ClientID: "c", TenantID: "t", ClientSecret: "s"},
			"https://shop.blob.core.windows.net/locks/orders", nil,
		},
		"a managed identity": {map[string]string{ClientID: "c"}, "https://shop.blob.core.windows.net/locks/orders", nil},
		"an endpoint that is no URL": {
			map[string]string{Endpoint: "shop.example"},
			"",
			[]string{`endpoint is refused, allowed: a URL that begins with http:// or https://`},
		},
		"an account key that is none": {map[string]string{AccountKey: "?"}, "", []string{"sign in to the account shop"}},
		"a connection string of another account": {
			map[string]string{ConnectionString: "AccountName=other;AccountKey=" + key},
			"",
			[]string{`connection-string has AccountName="other", allowed: shop`},
		},
		"several ways": {
			map[string]string{ConnectionString: connection, AccountKey: key, ClientSecret: "s", Endpoint: "https://a"},
			"",
			[]string{"are 3 ways to sign in, allowed: one of them", "both say where the account is", "client-secret needs client-id and tenant-id"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := connect(address, folder(t, test.keys))
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %v, want %q", err, want)
				}
			}
			if err != nil && strings.Contains(err.Error(), key) {
				t.Errorf("the error tells a secret: %v", err)
			}
			if test.want == nil && (err != nil || c.client().URL() != test.url) {
				t.Errorf("the blob is at %v, %v, want %s", c, err, test.url)
			}
		})
	}
}

func TestAPodsIdentityIsTheFirstThatThereIs(t *testing.T) {
	token := filepath.Join(folder(t, map[string]string{"token": "x"}), "token")
	for name, test := range map[string]struct{ file, tenant, want string }{
		"workload identity":            {token, "t", ""},
		"workload identity, no tenant": {token, "", "sign in to the account shop"},
		"managed identity":             {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AZURE_FEDERATED_TOKEN_FILE", test.file)
			t.Setenv("AZURE_CLIENT_ID", "c")
			t.Setenv("AZURE_TENANT_ID", test.tenant)
			_, err := connect(address, "")
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestAChangedSecretIsReadAgain(t *testing.T) {
	dir := folder(t, map[string]string{AccountKey: key})
	synctest.Test(t, func(t *testing.T) {
		c, err := connect(address, dir)
		if err != nil {
			t.Fatal(err)
		}
		at := func(want string) {
			t.Helper()
			if got := c.client().URL(); !strings.HasPrefix(got, want) {
				t.Errorf("it asks %s, not %s", got, want)
			}
		}
		put(t, dir, Endpoint, "https://another.example")
		at("https://shop.blob.core.windows.net")
		time.Sleep(credentials.Reread)
		at("https://another.example")
		put(t, dir, Endpoint, "nowhere")
		time.Sleep(credentials.Reread)
		at("https://another.example")
	})
}

func TestRequestsGoOverHTTP1(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Protocol", r.Proto)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	mine := transport()
	mine.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
	mine.TLSClientConfig.RootCAs.AddCert(server.Certificate())
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: mine}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Header.Get("X-Protocol"); got != "HTTP/1.1" {
		t.Errorf("it speaks %s", got)
	}
}
