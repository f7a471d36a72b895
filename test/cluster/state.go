package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// state is what must be known to use and to remove a cluster after the program
// that started it has ended. Everything outside the directory is written here
// before it is used, so that no interruption can lose it.
type state struct {
	// Boot is the kernel's id of the boot the processes belong to.
	Boot string `json:"boot"`
	// Starter is the program that starts the cluster.
	Starter process `json:"starter"`
	// Running is set when the start succeeded.
	Running bool `json:"running"`
	// CreatedDir is set when the cluster's directory did not exist before.
	CreatedDir bool `json:"createdDir"`
	// Network is the index the network's names and addresses derive from; -1
	// before one is chosen.
	Network int `json:"network"`
	// Port is the API server's.
	Port int `json:"port"`
	// Nodes is the number of nodes.
	Nodes int `json:"nodes"`
	// Args are the additional arguments of the programs, by name.
	Args map[string][]string `json:"args,omitempty"`
	// Binaries are the directories of the programs.
	Binaries binaries `json:"binaries"`
	// Processes are the programs on the host and the first process of each
	// node, by name.
	Processes map[string]process `json:"processes"`
	// Cgroups are directories in the cgroup hierarchies, whose whole trees are
	// the cluster's.
	Cgroups []string `json:"cgroups"`
}

const stateFile = "state.json"

// ErrNoCluster says that a directory holds no cluster.
var ErrNoCluster = errors.New("there is no cluster")

func readState(dir string) (state, error) {
	path := filepath.Join(dir, stateFile)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, fmt.Errorf("open %q: %w", dir, ErrNoCluster)
	}
	if err != nil {
		return state{}, fmt.Errorf("read a cluster's state: %w", err)
	}
	var read state
	if err := json.Unmarshal(content, &read); err != nil {
		return state{}, fmt.Errorf("read a cluster's state in %q: %w", path, err)
	}
	return read, nil
}

// write replaces the file as a whole, so that a reader and an interruption see
// the old state or the new one.
func (s state) write(dir string) error {
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write a cluster's state: %w", err)
	}
	path := filepath.Join(dir, stateFile)
	if err := os.WriteFile(path+".new", append(content, '\n'), 0o600); err != nil {
		return fmt.Errorf("write a cluster's state: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write a cluster's state: %w", err)
	}
	return nil
}

// bootID is the kernel's name for the time since it started.
func bootID() (string, error) {
	content, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("read the boot id: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}
