package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// residentMiB is a process's VmRSS (proc_pid_status(5)), in MiB.
func residentMiB(pid int) (float64, error) { return statusMiB(pid, "VmRSS") }

// peakMiB is the most that residentMiB has been since the process began.
func peakMiB(pid int) (float64, error) { return statusMiB(pid, "VmHWM") }

func statusMiB(pid int, what string) (float64, error) {
	content, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	return parseStatus(content, what)
}

func parseStatus(status []byte, what string) (float64, error) {
	for line := range bytes.Lines(status) {
		fields := strings.Fields(string(line))
		if len(fields) == 3 && fields[0] == what+":" && fields[2] == "kB" {
			kib, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				return 0, fmt.Errorf("read %s %q: %w", what, fields[1], err)
			}
			return kib / 1024, nil
		}
	}
	return 0, fmt.Errorf("read the memory of a process: no %s in %q", what, status)
}

// cpuTime is what a process has used of the CPUs, by its CPU-time clock: unlike
// the clock ticks of /proc/PID/stat, to the nanosecond.
func cpuTime(pid int) (time.Duration, error) {
	// clock_getcpuclockid(3): the process's identifier inverted, and the bits of
	// CPUCLOCK_SCHED.
	const bits, sched = 3, 2
	var t unix.Timespec
	if err := unix.ClockGettime(^int32(pid)<<bits|sched, &t); err != nil {
		return 0, fmt.Errorf("read the CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// usage is the time of all CPUs together since the boot, in clock ticks.
type usage struct{ busy, all uint64 }

// machineUsage reads it from /proc/stat.
func machineUsage() (usage, error) {
	content, err := os.ReadFile("/proc/stat")
	if err != nil {
		return usage{}, fmt.Errorf("read the CPUs' time: %w", err)
	}
	return parseUsage(content)
}

func parseUsage(stat []byte) (usage, error) {
	line, _, _ := strings.Cut(string(stat), "\n")
	fields := strings.Fields(line)
	// proc_stat(5): user nice system idle iowait irq softirq steal; what follows
	// is in user and nice already.
	const first, idle, iowait, end = 1, 4, 5, 9
	if len(fields) < end || fields[0] != "cpu" {
		return usage{}, fmt.Errorf("read the CPUs' time from %q", line)
	}
	var u usage
	for i, field := range fields[first:end] {
		n, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return usage{}, fmt.Errorf("read the CPUs' time from %q: %w", line, err)
		}
		u.all += n
		if i+first != idle && i+first != iowait {
			u.busy += n
		}
	}
	return u, nil
}

// since is the share of the CPUs' time that was used since then, from 0 to 1.
func (u usage) since(before usage) float64 {
	if u.all == before.all {
		return 0
	}
	return float64(u.busy-before.busy) / float64(u.all-before.all)
}

// cpuModel is what the CPUs call themselves, or "unknown".
func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return unknown
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return unknown
}

const unknown = "unknown"

// system is the kernel's name and release.
func system() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return unknown
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
}
