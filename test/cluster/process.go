package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process names one process for good: a PID is used again by the kernel, a PID
// with its start time is not.
type process struct {
	PID int `json:"pid"`
	// Started is when the process started, in clock ticks since the boot.
	Started uint64 `json:"started"`
}

// errGone says that a process has ended.
var errGone = errors.New("the process has ended")

// findProcess identifies a process that runs now.
func findProcess(pid int) (process, error) {
	status, err := readStat(pid)
	if err != nil {
		return process{}, err
	}
	return process{PID: pid, Started: status.started}, nil
}

// alive is false for a zombie too: it holds nothing any more, and where nobody
// reaps orphans it would stay for ever. A process whose first thread alone has
// ended looks like one, but still holds its files and ports.
func (p process) alive() bool {
	status, err := readStat(p.PID)
	if err != nil || status.started != p.Started {
		return false
	}
	ended := status.state == 'Z' || status.state == 'X'
	return !ended || status.threads > 1
}

// signal sends a signal to this process and no other; errGone if it ended.
func (p process) signal(signal syscall.Signal) error {
	if p.PID <= 0 {
		return errGone
	}
	fd, err := unix.PidfdOpen(p.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return errGone
	}
	if err != nil {
		return fmt.Errorf("open process %d: %w", p.PID, err)
	}
	defer unix.Close(fd)
	// The descriptor holds whatever process had the PID; only now is it certain
	// that what is checked is what is signalled.
	if !p.alive() {
		return errGone
	}
	if err := unix.PidfdSendSignal(fd, signal, nil, 0); err != nil {
		if errors.Is(err, unix.ESRCH) {
			return errGone
		}
		return fmt.Errorf("send %s to process %d: %w", signal, p.PID, err)
	}
	return nil
}

// end kills the process and waits until it has ended.
func (p process) end(ctx context.Context) error {
	if err := p.signal(syscall.SIGKILL); err != nil {
		if errors.Is(err, errGone) {
			return nil
		}
		return err
	}
	err := poll(ctx, 10*time.Millisecond, func() (bool, error) { return !p.alive(), nil })
	if err != nil {
		return fmt.Errorf("wait for the end of process %d: %w", p.PID, err)
	}
	return nil
}

// children are the processes this one started and that run now.
func (p process) children() ([]process, error) {
	id := strconv.Itoa(p.PID)
	tasks, err := filepath.Glob(filepath.Join("/proc", id, "task", "*", "children"))
	if err != nil {
		return nil, err
	}
	var found []process
	for _, task := range tasks {
		content, err := os.ReadFile(task)
		if err != nil {
			continue // the thread ended meanwhile
		}
		for field := range bytes.FieldsSeq(content) {
			pid, err := strconv.Atoi(string(field))
			if err != nil {
				return nil, fmt.Errorf("read %q: %w", task, err)
			}
			if child, err := findProcess(pid); err == nil {
				found = append(found, child)
			}
		}
	}
	return found, nil
}

type processStatus struct {
	state   byte
	parent  int
	threads int
	started uint64
}

func readStat(pid int) (processStatus, error) {
	content, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return processStatus{}, fmt.Errorf("read the state of process %d: %w", pid, err)
	}
	return parseStat(content)
}

// parseStat reads the fields of /proc/PID/stat. The second one, the program's
// name in parentheses, may itself hold spaces and parentheses.
func parseStat(content []byte) (processStatus, error) {
	_, rest, found := bytesCutLast(content, []byte(") "))
	fields := bytes.Fields(rest)
	// proc(5) numbers the fields from 1; these begin at the third.
	const state, parent, threads, started = 0, 1, 17, 19
	if !found || len(fields) <= started {
		return processStatus{}, fmt.Errorf("read a process state of %d fields", len(fields))
	}
	ppid, err := strconv.Atoi(string(fields[parent]))
	if err != nil {
		return processStatus{}, fmt.Errorf("read a process's parent: %w", err)
	}
	count, err := strconv.Atoi(string(fields[threads]))
	if err != nil {
		return processStatus{}, fmt.Errorf("read a process's number of threads: %w", err)
	}
	ticks, err := strconv.ParseUint(string(fields[started]), 10, 64)
	if err != nil {
		return processStatus{}, fmt.Errorf("read a process's start time: %w", err)
	}
	return processStatus{state: fields[state][0], parent: ppid, threads: count, started: ticks}, nil
}

func bytesCutLast(content, separator []byte) (before, after []byte, found bool) {
	at := bytes.LastIndex(content, separator)
	if at < 0 {
		return content, nil, false
	}
	return content[:at], content[at+len(separator):], true
}
