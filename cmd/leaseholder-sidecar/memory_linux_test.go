package main

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMemoryIsHidden(t *testing.T) {
	if err := hideMemory(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) })
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil || dumpable != 0 {
		t.Errorf("dumpable is %d: %v", dumpable, err)
	}
	// What the process's own metrics are read from stays open to itself, for any user.
	for _, name := range []string{"stat", "status", "limits", "fd"} {
		f, err := os.Open("/proc/self/" + name)
		if err != nil {
			t.Error(err)
			continue
		}
		_ = f.Close()
	}
}
