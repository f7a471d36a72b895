package s3

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestKeysCanBeChangedUnderARunningSidecar(t *testing.T) {
	folder := t.TempDir()
	set := func(key, value string) {
		if err := os.WriteFile(filepath.Join(folder, key), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keys := keysIn(folder)
	if _, err := keys.Retrieve(t.Context()); err == nil {
		t.Error("keys that are not there are no error")
	}
	for _, now := range []string{"a", "b"} {
		set(AccessKeyID, now+"1\n")
		set(SecretAccessKey, now+"2\n")
		got, err := keys.Retrieve(t.Context())
		if err != nil || got.AccessKeyID != now+"1" || got.SecretAccessKey != now+"2" {
			t.Errorf("got %q and %q, %v", got.AccessKeyID, got.SecretAccessKey, err)
		}
		if !got.CanExpire || got.Expires.After(time.Now().Add(reread)) {
			t.Error("they are kept for good")
		}
	}
}
