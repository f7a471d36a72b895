package cluster

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestStateIsReadAsItWasWritten(t *testing.T) {
	dir := t.TempDir()
	written := state{
		Boot: "boot", Running: true, Network: 3, Port: 6443, Nodes: 2,
		Processes: map[string]process{"etcd": {PID: 7, Started: 1 << 60}},
		Cgroups:   []string{"/sys/fs/cgroup/leaseholder-3"},
	}
	if err := written.write(dir); err != nil {
		t.Fatal(err)
	}
	read, err := readState(dir)
	if err != nil {
		t.Fatal(err)
	}
	if read.Processes["etcd"] != written.Processes["etcd"] || read.Network != 3 || !read.Running || read.Cgroups[0] != written.Cgroups[0] {
		t.Errorf("read %+v, written %+v", read, written)
	}
}

func TestReadStateTellsWhyThereIsNone(t *testing.T) {
	for name, test := range map[string]struct {
		content string
		none    bool
	}{
		"a directory without a state holds no cluster": {none: true},
		"a damaged state is not taken for none":        {content: `{"boot":`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if test.content != "" {
				if err := os.WriteFile(filepath.Join(dir, stateFile), []byte(test.content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := readState(dir)
			if err == nil || errors.Is(err, ErrNoCluster) != test.none {
				t.Errorf("got the error %v", err)
			}
		})
	}
}

func TestADirectoryInUseIsNotTaken(t *testing.T) {
	boot, err := bootID()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "sleep", "1000")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Wait() })
	other, err := findProcess(command.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	gone := process{PID: other.PID, Started: other.Started + 1}
	for name, test := range map[string]struct {
		state state
		taken bool
	}{
		"its cluster runs":                         {state{Running: true, Processes: map[string]process{"etcd": other}}, false},
		"its cluster is being started":             {state{Starter: other}, false},
		"what started its cluster was killed":      {state{Starter: gone}, true},
		"what ran in it has ended":                 {state{Running: true, Processes: map[string]process{"etcd": gone}}, true},
		"its cluster's starter is gone, it is not": {state{Running: true, Starter: gone, Processes: map[string]process{"etcd": other}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cluster")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			test.state.Boot = boot
			if err := test.state.write(dir); err != nil {
				t.Fatal(err)
			}
			err := clearRemains(t.Context(), dir)
			if test.taken != (err == nil) || err != nil && !errors.Is(err, ErrRunning) {
				t.Errorf("got the error %v", err)
			}
		})
	}
}

func TestDownDoesNothingWithoutACluster(t *testing.T) {
	dir := t.TempDir()
	kept := filepath.Join(dir, "logs")
	if err := os.Mkdir(kept, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Down(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if !exists(kept) {
		t.Error("it removed a directory that is not a cluster's")
	}
}

func TestDownRemovesOnlyWhatTheClusterWrote(t *testing.T) {
	for name, test := range map[string]struct {
		created, foreign, stays bool
	}{
		"its own directory goes":                         {created: true},
		"a directory that was there before stays":        {stays: true},
		"a directory with somebody else's file in stays": {created: true, foreign: true, stays: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cluster")
			if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o755); err != nil {
				t.Fatal(err)
			}
			foreign := filepath.Join(dir, "notes")
			if test.foreign {
				if err := os.WriteFile(foreign, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			// Of an earlier boot: its PID may be anybody's by now.
			old := state{Boot: "earlier", CreatedDir: test.created, Processes: map[string]process{"etcd": {PID: os.Getpid()}}}
			if err := old.write(dir); err != nil {
				t.Fatal(err)
			}
			if err := Down(t.Context(), dir); err != nil {
				t.Fatal(err)
			}
			if exists(dir) != test.stays {
				t.Errorf("the directory is there: %t", exists(dir))
			}
			if exists(filepath.Join(dir, "logs")) || test.foreign && !exists(foreign) {
				t.Error("it removed the wrong files")
			}
		})
	}
}
