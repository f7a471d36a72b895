package sidecar

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// hideMemory keeps the other processes of the pod out of this one. Where containers
// share their processes, /proc/<pid> would show the token to those of the same user: by
// root and fd the volume that is mounted here alone, by mem what is decoded of it. What
// is not dumpable (prctl(2)) belongs to root there, and is open to whoever may trace it
// (CAP_SYS_PTRACE), which no container may by default. Nor does it leave core files.
func hideMemory() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("hide the memory from other processes: %w", err)
	}
	return nil
}
