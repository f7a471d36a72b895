package azblob

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// TestASignatureIsNoPartOfAnError: a shared access signature is a part of every URL, and
// who reads it in a log has the rights that it gives.
func TestASignatureIsNoPartOfAnError(t *testing.T) {
	address, _ := config.ParseLock("azblob://shop/locks/orders")
	folder := t.TempDir()
	// Nobody listens there.
	secret := "BlobEndpoint=http://127.0.0.1:1/shop;SharedAccessSignature=sv=2022-11-02&sig=TOPSECRET%3D"
	if err := os.WriteFile(filepath.Join(folder, ConnectionString), []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := New(Options{Address: address, PodUID: "u", Credentials: folder, LeaseDuration: 15 * time.Second, Period: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Read(t.Context())
	if err == nil || strings.Contains(err.Error(), "TOPSECRET") || !strings.Contains(err.Error(), "refused") {
		t.Errorf("the error is %v", err)
	}
}
