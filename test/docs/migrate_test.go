package docs

import (
	"strings"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// TestTheDiffIsOneOfTheManifests holds the page to the manifests that it leads through.
func TestTheDiffIsOneOfTheManifests(t *testing.T) {
	_, diff, found := strings.Cut(read(t, "docs/migrate-from-leader-elector.md"), "```diff\n")
	diff, _, ended := strings.Cut(diff, "```\n")
	if !found || !ended {
		t.Fatal("there is no diff")
	}
	before, after := read(t, "examples/migrate-from-leader-elector/before.yaml"), read(t, "examples/migrate-from-leader-elector/after.yaml")
	for line := range strings.Lines(diff) {
		sign, text := line[0], "\n"+line[1:]
		if was, want := strings.Contains(before, text), sign != '+'; was != want {
			t.Errorf("before.yaml: %q is there: %v, want %v", text, was, want)
		}
		if is, want := strings.Contains(after, text), sign != '-'; is != want {
			t.Errorf("after.yaml: %q is there: %v, want %v", text, is, want)
		}
	}
}

// TestTimingsBesideSidecarsOf2016 checks that no sidecar of 2016 takes a valid lead.
func TestTimingsBesideSidecarsOf2016(t *testing.T) {
	const clocks = 1.05
	for i, row := range table(t, read(t, "docs/migrate-from-leader-elector.md"), "ttl") {
		is := timing(t, row)
		if i == 0 && is != config.DefaultTimingOf(config.LockEndpoints) {
			t.Errorf("the first row is %v, and the default is %v", is, config.DefaultTimingOf(config.LockEndpoints))
		}
		shortest, _, _ := strings.Cut(row[3], " ")
		ttl, err := time.ParseDuration(shortest)
		if err != nil {
			t.Fatal(err)
		}
		if clocks*is.RenewDeadline.Seconds() > ttl.Seconds() {
			t.Errorf("%v: a ttl of %s is too short", row, ttl)
		}
	}
}
