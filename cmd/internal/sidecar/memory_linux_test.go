package sidecar

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/leaseholder-dev/leaseholder/sidecar/api"
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
	// Tests may run as root, who can open all of it.
	asPodsDo(t, func() {
		for _, name := range []string{"stat", "status", "limits", "fd"} {
			f, err := os.Open("/proc/self/" + name)
			if err != nil {
				t.Errorf("what the process's own metrics are read from is closed to itself: %v", err)
				continue
			}
			_ = f.Close()
		}
		if f, err := os.Open("/proc/self/io"); err == nil {
			_ = f.Close()
			t.Errorf("io is open: the metrics %s... can be told", api.Unreadable)
		}
	})
}

// asPodsDo does something with the rights over files that the sidecar's user has.
func asPodsDo(t *testing.T, something func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // it ends with the goroutine: no other gets to have these rights
		const user = 65532
		_, _ = unix.SetfsuidRetUid(user) // it returns no error, only the user from before
		if now, _ := unix.SetfsuidRetUid(-1); now == 0 {
			t.Error("files are still opened as root")
			return
		}
		something()
	}()
	<-done
}
