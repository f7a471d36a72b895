package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const cgroupRoot = "/sys/fs/cgroup"

// cgroups is how a machine counts and limits groups of processes.
type cgroups struct {
	// unified means cgroup v2 alone, with every controller in one tree.
	unified bool
	// mounts are the roots of all the trees.
	mounts []string
}

// detectCgroups looks at the mounted trees. A v2 tree beside v1 ones has no
// controllers, and then v1 is what the kubelet uses.
func detectCgroups() (cgroups, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return cgroups{}, fmt.Errorf("read the mounts: %w", err)
	}
	defer file.Close()
	return parseCgroups(file)
}

func parseCgroups(mountinfo io.Reader) (cgroups, error) {
	var found cgroups
	lines := bufio.NewScanner(mountinfo)
	for lines.Scan() {
		before, after, _ := strings.Cut(lines.Text(), " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if len(fields) < 5 || len(kind) < 1 {
			continue
		}
		path := fields[4]
		if path != cgroupRoot && !strings.HasPrefix(path, cgroupRoot+"/") {
			continue // a second mount of the same tree, in a container for example
		}
		switch {
		case kind[0] == "cgroup2" && path == cgroupRoot:
			return cgroups{unified: true, mounts: []string{path}}, nil
		case kind[0] == "cgroup2" || kind[0] == "cgroup":
			found.mounts = append(found.mounts, path)
		}
	}
	if err := lines.Err(); err != nil {
		return cgroups{}, fmt.Errorf("read the mounts: %w", err)
	}
	if len(found.mounts) == 0 {
		return cgroups{}, fmt.Errorf("find the cgroups: nothing is mounted at or below %q", cgroupRoot)
	}
	slices.Sort(found.mounts)
	return found, nil
}

// dirs are the directories of a group, one in each tree.
func (c cgroups) dirs(group string) []string {
	dirs := make([]string, 0, len(c.mounts))
	for _, mount := range c.mounts {
		dirs = append(dirs, filepath.Join(mount, group))
	}
	return dirs
}

// create makes a group ready to be a kubelet's root: in every tree, with the
// controllers handed down.
func (c cgroups) create(group string) error {
	for _, mount := range c.mounts {
		dir := mount
		for part := range strings.SplitSeq(strings.Trim(group, "/"), "/") {
			parent := dir
			dir = filepath.Join(dir, part)
			if c.unified {
				if err := delegate(parent); err != nil {
					return err
				}
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return fmt.Errorf("create a cgroup: %w", err)
			}
			// A v1 group without processors or memory nodes takes no process.
			for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
				if err := inherit(parent, dir, name); err != nil && !c.unified {
					return err
				}
			}
		}
	}
	if c.unified {
		return delegate(filepath.Join(cgroupRoot, group))
	}
	return nil
}

// delegate lets the children of a v2 group use every controller it has.
func delegate(dir string) error {
	available, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return fmt.Errorf("read a cgroup's controllers: %w", err)
	}
	for controller := range strings.FieldsSeq(string(available)) {
		err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+controller), 0o644)
		if errors.Is(err, syscall.EBUSY) {
			return fmt.Errorf("hand the controller %q of the cgroup %q down: it holds processes of its own; "+
				"in a container, move them to a child of it first: %w", controller, dir, err)
		}
		// A controller the kubelet can do without may be out of reach.
		required := controller == "cpu" || controller == "memory" || controller == "pids" || controller == "cpuset"
		if err != nil && required {
			return fmt.Errorf("hand the controller %q of the cgroup %q down: %w", controller, dir, err)
		}
	}
	return nil
}

func inherit(parent, child, name string) error {
	value, err := os.ReadFile(filepath.Join(parent, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the tree of another controller
	}
	if err != nil {
		return fmt.Errorf("read a cgroup's settings: %w", err)
	}
	if err := os.WriteFile(filepath.Join(child, name), value, 0o644); err != nil {
		return fmt.Errorf("set up a cgroup: %w", err)
	}
	return nil
}

// removeCgroup removes a group with everything below it, once the processes
// in it have ended.
func removeCgroup(ctx context.Context, dir string) error {
	// Only v2 has it, and the processes have been killed already: this catches
	// one that was just being forked.
	_ = os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0o644)
	return poll(ctx, 20*time.Millisecond, func() (bool, error) {
		err := removeTree(dir)
		if errors.Is(err, syscall.EBUSY) {
			return false, notYet{fmt.Errorf("remove the cgroup %q: %w", dir, err)}
		}
		return true, err
	})
}

// removeTree removes directories from the leaves up; the files in them are not
// real and go by themselves.
func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := removeTree(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	if err := syscall.Rmdir(dir); err != nil && !errors.Is(err, syscall.ENOENT) {
		return err
	}
	return nil
}
