package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Down removes the cluster in a directory, whole or half started, whatever has
// become of the program that started it: its processes, network interfaces,
// cgroups, mounts and files. Nothing is done, and no error returned, if there
// is none; so it may be repeated.
func Down(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("remove the cluster in %q: %w", dir, err)
	}
	read, err := readState(dir)
	if errors.Is(err, ErrNoCluster) {
		return nil
	}
	if err != nil {
		return err
	}
	boot, err := bootID()
	if err != nil {
		return err
	}
	if read.Boot == boot {
		if err := endAll(ctx, read); err != nil {
			return fmt.Errorf("remove the cluster in %q: %w", dir, err)
		}
	}
	err = removeNetwork(dir)
	for _, group := range read.Cgroups {
		err = errors.Join(err, removeCgroup(ctx, group))
	}
	err = errors.Join(err, unmountBelow(dir))
	if err != nil {
		return fmt.Errorf("remove the cluster in %q: %w", dir, err)
	}
	return removeFiles(dir, read.CreatedDir)
}

// endAll ends the nodes before the control plane, so that nothing reacts to
// what it sees go.
func endAll(ctx context.Context, s state) error {
	var nodes, others []process
	for name, running := range s.Processes {
		if _, isNode := nodeIndex(name); isNode {
			nodes = append(nodes, running)
			continue
		}
		others = append(others, running)
	}
	var failed error
	for _, node := range nodes {
		failed = errors.Join(failed, endNode(ctx, node))
	}
	for _, other := range others {
		failed = errors.Join(failed, other.end(ctx))
	}
	return failed
}

// files are all that a cluster writes in its directory; the state comes last,
// so that an interrupted removal can be repeated.
var files = []string{"nodes", "images", "etcd", "pki", "logs", "kubeconfig", stateFile + ".new", stateFile}

func removeFiles(dir string, created bool) error {
	for _, name := range files {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("remove a cluster's files: %w", err)
		}
	}
	if !created {
		return nil
	}
	// Not if somebody else put something there.
	if err := unix.Rmdir(dir); err != nil && !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("remove the directory %q: %w", dir, err)
	}
	return nil
}

// unmountBelow makes sure that nothing is deleted through a mount. Nodes mount
// in their own namespaces, so there is normally nothing to do.
func unmountBelow(dir string) error {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("read the mounts: %w", err)
	}
	defer file.Close()
	var found []string
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > 4 && strings.HasPrefix(fields[4], dir+"/") {
			found = append(found, fields[4])
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the mounts: %w", err)
	}
	slices.Reverse(found)
	for _, path := range found {
		if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount %q: %w", path, err)
		}
	}
	return nil
}

// clearRemains removes what an interrupted start or removal left.
func clearRemains(ctx context.Context, dir string) error {
	read, err := readState(dir)
	if errors.Is(err, ErrNoCluster) {
		return nil
	}
	if err != nil {
		return err
	}
	other := read.Starter.PID != os.Getpid() && read.Starter.alive()
	if !read.Running && other {
		return fmt.Errorf("start a cluster in %q: process %d is starting one: %w", dir, read.Starter.PID, ErrRunning)
	}
	if read.Running {
		for _, running := range read.Processes {
			if running.alive() {
				return fmt.Errorf("start a cluster in %q: %w", dir, ErrRunning)
			}
		}
	}
	return Down(ctx, dir)
}
