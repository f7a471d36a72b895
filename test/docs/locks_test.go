package docs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/azblob"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/locktest"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/s3"
	"github.com/leaseholder-dev/leaseholder/test/conformance"
)

const locks = "docs/locks.md"

// TestEveryLockKeepsEveryPromise holds the table to the suite and to the backends that
// there are: one that is new has to be tried, and written down.
func TestEveryLockKeepsEveryPromise(t *testing.T) {
	const again = "`make conformance WRITE=1` writes it"
	backends, err := conformance.Backends(root)
	if err != nil {
		t.Fatal(err)
	}
	want := append([]string{"what a lock promises"}, conformance.Names(backends)...)
	document := read(t, locks)
	_, head, _ := strings.Cut(document, "<!-- conformance -->\n| ")
	head, _, _ = strings.Cut(head, " |\n")
	if got := strings.Split(head, " | "); !slices.Equal(got, want) {
		t.Errorf("the columns are %v, and should be %v: %s", got, want, again)
	}
	var promises []string
	for _, row := range table(t, document, "conformance") {
		promises = append(promises, row[0])
		for _, cell := range row[1:] {
			if cell != conformance.Kept {
				t.Errorf("%s: %s", row[0], cell)
			}
		}
	}
	if !slices.Equal(promises, locktest.Promises()) {
		t.Errorf("the rows are %v, and should be %v: %s", promises, locktest.Promises(), again)
	}
}

// TestFailoverOverAStore rests on a standby that asks once each retry period.
func TestFailoverOverAStore(t *testing.T) {
	for i, row := range table(t, read(t, locks), "failover") {
		is := timing(t, row)
		if i == 0 && is != config.DefaultTimingOf(config.LockS3) {
			t.Errorf("the first row is %v, and the default is %v", is, config.DefaultTimingOf(config.LockS3))
		}
		want := append(append([]string{}, row[:3]...),
			fmt.Sprintf("0 to %g", is.RetryPeriod.Seconds()),
			fmt.Sprintf("%g to %g", (is.LeaseDuration-is.RetryPeriod).Seconds(), (is.LeaseDuration+is.RetryPeriod).Seconds()),
			down((is.RenewDeadline - is.RetryPeriod - is.Attempt()).Seconds()))
		if strings.Join(row, " | ") != strings.Join(want, " | ") {
			t.Errorf("it says\n%v, and should say\n%v", row, want)
		}
	}
}

func TestRequestsAMonth(t *testing.T) {
	for _, row := range table(t, read(t, locks), "requests") {
		period, err := time.ParseDuration(row[0])
		if err != nil {
			t.Fatal(err)
		}
		candidates, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		asked := object.Monthly(period, candidates)
		// In Azure a write is two requests, and all are of one class.
		const azureWrite = 2
		want := []string{row[0], row[1], thousands(asked.Writes), thousands(asked.Reads), thousands(azureWrite*asked.Writes + asked.Reads)}
		if !slices.Equal(row, want) {
			t.Errorf("it says\n%v, and should say\n%v", row, want)
		}
	}
}

// thousands is a number with its digits in groups of three.
func thousands(n int) string {
	const group = 3
	digits := strconv.Itoa(n)
	for at := len(digits) - group; at > 0; at -= group {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

func TestEveryKeyOfASecretIsTold(t *testing.T) {
	told := map[string]bool{}
	for _, row := range table(t, read(t, locks), "keys") {
		for key := range strings.SplitSeq(row[1], ", ") {
			told[strings.Trim(row[0], "`")+" "+strings.Trim(key, "`")] = true
		}
	}
	for scheme, keys := range map[config.LockScheme][]string{
		// What gs reads is private to it.
		config.LockGCS: {"key.json", "endpoint"},
		config.LockAzureBlob: {
			azblob.Endpoint, azblob.ConnectionString, azblob.AccountKey, azblob.ClientID, azblob.TenantID, azblob.ClientSecret,
		},
		config.LockS3: {s3.Endpoint, s3.Region, s3.PathStyle, s3.AccessKeyID, s3.SecretAccessKey},
	} {
		for _, key := range keys {
			name := string(scheme) + " " + key
			if !told[name] {
				t.Errorf("%s is not told", name)
			}
			delete(told, name)
		}
	}
	for name := range told {
		t.Errorf("%s is told, and there is no such key", name)
	}
}
