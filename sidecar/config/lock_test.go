package config_test

import (
	"strings"
	"testing"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

func TestParseLock(t *testing.T) {
	for address, want := range map[string]config.LockAddress{
		"lease":                              {Scheme: config.LockLease},
		"endpoints":                          {Scheme: config.LockEndpoints},
		"gs://shop_locks.example/orders":     {Scheme: config.LockGCS, Bucket: "shop_locks.example", Object: "orders"},
		"s3://shop-locks/eu/orders.lock":     {Scheme: config.LockS3, Bucket: "shop-locks", Object: "eu/orders.lock"},
		"azblob://shoplocks/locks/eu/orders": {Scheme: config.LockAzureBlob, Account: "shoplocks", Bucket: "locks", Object: "eu/orders"},
	} {
		got, ok := config.ParseLock(address)
		if !ok || got != want || got.String() != address {
			t.Errorf("%q reads as %+v (%s), %v", address, got, got, ok)
		}
	}
}

// TestALockLeadsNowhereElse: no part of an address becomes a host, a path or a query of
// somebody's choice.
func TestALockLeadsNowhereElse(t *testing.T) {
	for _, address := range []string{
		"", "leases", "Lease", "lease://x", "endpoints://a/b", "http://169.254.169.254/latest", "file:///etc/passwd",
		"gs://", "gs://bucket", "gs://bucket/", "gs:///object", "gs://BUCKET/object", "gs://a/object", "gs://a..b/object",
		"gs://bucket/../other/object", "gs://bucket/a//b", "gs://bucket/a/./b", "gs://bucket/object?x=y", "gs://bucket/a%2fb",
		"gs://user@host/object", "gs://host:80/object", "gs://bucket/object#x", "gs://bucket/an object", "gs://bucket/a\nb",
		"gs://bucket/" + strings.Repeat("a", 1001), "s3://bucket_/key", "s3://" + strings.Repeat("a", 64) + "/key",
		"azblob://account/container", "azblob://a/container/blob", "azblob://evil.example.com/container/blob",
		"azblob://account@evil/container/blob", "azblob://account/c--d/blob", "azblob://account/container/",
	} {
		if a, ok := config.ParseLock(address); ok {
			t.Errorf("%q reads as %+v", address, a)
		}
	}
}

func TestTheLockSaysWhichTimingIsTheDefault(t *testing.T) {
	for address, want := range map[string]config.Timing{
		"":                           config.DefaultTiming(),
		"gs://shop-locks/orders":     config.DefaultTiming(),
		"endpoints":                  config.DefaultTimingOf(config.LockEndpoints),
		"azblob://shoplocks/locks/a": config.DefaultTiming(),
	} {
		env := getenv([]config.Variable{
			{Name: "LEASEHOLDER_ELECTION", Value: "orders"},
			{Name: "LEASEHOLDER_NAMESPACE", Value: "shop"},
			{Name: "LEASEHOLDER_POD_NAME", Value: "orders-0"},
			{Name: "LEASEHOLDER_POD_UID", Value: "0f3c"},
			{Name: "LEASEHOLDER_LOCK", Value: address},
		})
		if got, err := config.Parse(env); err != nil || got.Timing != want {
			t.Errorf("the timing of %q is %+v, %v", address, got.Timing, err)
		}
	}
	if faults := config.DefaultTimingOf(config.LockEndpoints).Faults(); len(faults) > 0 {
		t.Error(faults)
	}
}

func TestFaultsOfLocks(t *testing.T) {
	for what, test := range map[string]struct{ set, value, lock, says string }{
		"a blob lease below 15 s":         {"LEASE_DURATION", "14s", "azblob://shoplocks/locks/a", `LEASEHOLDER_LEASE_DURATION="14s" is refused, allowed: from 15s to 1m0s`},
		"a blob lease beyond a minute":    {"LEASE_DURATION", "61s", "azblob://shoplocks/locks/a", `LEASEHOLDER_LEASE_DURATION="1m1s" is refused`},
		"credentials of a Lease":          {"LOCK_CREDENTIALS", "/x", "lease", `LEASEHOLDER_LOCK_CREDENTIALS="/x" is refused`},
		"credentials in a relative place": {"LOCK_CREDENTIALS", "x", "gs://shop-locks/a", `LEASEHOLDER_LOCK_CREDENTIALS="x" is refused, allowed: the absolute path`},
	} {
		env := getenv(append(config.Render(valid()),
			config.Variable{Name: "LEASEHOLDER_LOCK", Value: test.lock}, config.Variable{Name: "LEASEHOLDER_" + test.set, Value: test.value}))
		if _, err := config.Parse(env); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}
