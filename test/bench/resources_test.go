package bench

import (
	"os"
	"testing"
)

func TestParseResident(t *testing.T) {
	got, err := parseStatus([]byte("Name:\tx\nVmPeak:\t  9999 kB\nVmRSS:\t   14336 kB\nRssAnon:\t 1 kB\n"), "VmRSS")
	if err != nil || got != 14 {
		t.Errorf("got %v, %v, want 14 MiB", got, err)
	}
	if _, err := parseStatus([]byte("Name:\tzombie\n"), "VmRSS"); err == nil {
		t.Error("a process without memory is no error")
	}
}

func TestUsage(t *testing.T) {
	before, err := parseUsage([]byte("cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	after, err := parseUsage([]byte("cpu  110 5 110 760 110 3 1 1 50 0\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := after.since(before); got != 0.3 {
		t.Errorf("the CPUs were busy for %v of their time, want 0.3", got)
	}
	if got := before.since(before); got != 0 {
		t.Errorf("in no time they were busy for %v", got)
	}
	if _, err := parseUsage([]byte("intr 1 2 3\n")); err == nil {
		t.Error("another line is no error")
	}
}

func TestAProcessUsesTheCPU(t *testing.T) {
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	after := before
	for sum := 0; after == before; sum++ {
		if after, err = cpuTime(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	if before <= 0 || after < before {
		t.Errorf("the clock went from %s to %s", before, after)
	}
	if _, err := residentMiB(os.Getpid()); err != nil {
		t.Error(err)
	}
}
