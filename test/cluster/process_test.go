package cluster

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const rest = " 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 0 0"
	for name, test := range map[string]struct {
		stat    string
		want    processStatus
		invalid bool
	}{
		"an ordinary name":                {stat: "7 (etcd) S" + rest, want: processStatus{state: 'S', parent: 1, threads: 1, started: 4242}},
		"a name with spaces and brackets": {stat: "7 (a) b (c) Z" + rest, want: processStatus{state: 'Z', parent: 1, threads: 1, started: 4242}},
		"too few fields":                  {stat: "7 (etcd) S 1", invalid: true},
		"nothing":                         {invalid: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseStat([]byte(test.stat))
			if got != test.want || (err != nil) != test.invalid {
				t.Errorf("got %+v and the error %v", got, err)
			}
		})
	}
}

func TestAProcessIsKnownByItsStartTime(t *testing.T) {
	command := exec.CommandContext(t.Context(), "sleep", "1000")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	running, err := findProcess(command.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	other := process{PID: running.PID, Started: running.Started + 1}
	if err := other.end(t.Context()); err != nil {
		t.Errorf("ending a process whose PID is another's now: %v", err)
	}
	if err := other.signal(syscall.SIGKILL); !errors.Is(err, errGone) {
		t.Errorf("signalling a process whose PID is another's now: %v", err)
	}
	if !running.alive() {
		t.Fatal("the other process was ended")
	}
	// Nobody has waited for it yet: it is a zombie when it has ended.
	if err := running.end(t.Context()); err != nil {
		t.Fatal(err)
	}
	if running.alive() {
		t.Error("a zombie counts as alive")
	}
	if err := command.Wait(); err == nil {
		t.Error("the process ended by itself")
	}
	if err := running.end(t.Context()); err != nil {
		t.Errorf("ending an ended process: %v", err)
	}
}

// leaderless makes this test's program one whose first thread ends and whose
// others go on, as a process killed halfway is for a moment.
const leaderless = "LEASEHOLDER_TEST_LEADERLESS"

func init() {
	if os.Getenv(leaderless) == "" {
		return
	}
	// Inits run on the first thread.
	runtime.LockOSThread()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	// Until the other goroutine has a thread of its own.
	runtime.Gosched()
	_, _, _ = syscall.RawSyscall(syscall.SYS_EXIT, 0, 0, 0)
}

func TestAProcessLivesAsLongAsItsLastThread(t *testing.T) {
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), leaderless+"=1")
	if _, err := command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p, err := findProcess(command.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	err = poll(t.Context(), time.Millisecond, func() (bool, error) {
		status, err := readStat(p.PID)
		return status.state == 'Z', err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !p.alive() {
		t.Error("a process with running threads counts as ended")
	}
	if err := p.end(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, err := readStat(p.PID); err != nil || status.threads > 1 {
		t.Errorf("the process counts as ended with %d threads, error %v", status.threads, err)
	}
	if err := command.Wait(); err == nil {
		t.Error("the process ended by itself")
	}
}

func TestNoProcessIsNotAlive(t *testing.T) {
	if (process{}).alive() {
		t.Error("PID 0 is alive")
	}
	if own, err := findProcess(os.Getpid()); err != nil || !own.alive() {
		t.Errorf("this process is not alive: %v", err)
	}
	if err := endNode(t.Context(), process{}); err != nil {
		t.Errorf("ending a node that was never started: %v", err)
	}
}
