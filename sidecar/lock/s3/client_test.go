package s3

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/credentials"
)

func TestAChangedSecretIsTakenUp(t *testing.T) {
	folder := t.TempDir()
	set := func(key, value string) {
		if err := os.WriteFile(filepath.Join(folder, key), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	now := func(key, region string) {
		set(AccessKeyID, key+"1\n")
		set(SecretAccessKey, key+"2\n")
		set(Region, region)
	}
	now("a", "eu-central-1")
	synctest.Test(t, func(t *testing.T) {
		clients, err := follow(t.Context(), folder)
		if err != nil {
			t.Fatal(err)
		}
		uses := func(key, region string) {
			t.Helper()
			is := clients.Get().Options()
			got, err := is.Credentials.Retrieve(t.Context())
			if err != nil || got.AccessKeyID != key+"1" || got.SecretAccessKey != key+"2" || is.Region != region {
				t.Errorf("it uses %q and %q in %s, %v, want those of %s in %s", got.AccessKeyID, got.SecretAccessKey, is.Region, err, key, region)
			}
		}
		uses("a", "eu-central-1")
		now("b", "eu-west-1")
		time.Sleep(credentials.Reread)
		uses("b", "eu-west-1")
		set(SecretAccessKey, "")
		time.Sleep(credentials.Reread)
		uses("b", "eu-west-1")
	})
}
