package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Process is a process in a container, seen from the host.
type Process struct {
	// PID is the host's number for it.
	PID int
	// Command is the program with its arguments.
	Command []string
	// First tells the process that the container was started with. When it
	// ends, so does the container.
	First bool

	process process
}

// Signal sends a signal to the process; it is an error if it ended meanwhile.
// The first process of a container gets SIGKILL and SIGSTOP always and other
// signals only if it handles them, since it is the first of its namespace.
func (p Process) Signal(signal syscall.Signal) error { return p.process.signal(signal) }

// KillContainer sends a signal to the first process of a running container,
// for example SIGKILL, which ends the container as kill -9 in it does, or
// SIGSTOP and SIGCONT, which freeze it.
func (c *Cluster) KillContainer(ctx context.Context, namespace, pod, container string, signal syscall.Signal) error {
	processes, err := c.Processes(ctx, namespace, pod, container)
	if err != nil {
		return err
	}
	for _, p := range processes {
		if p.First {
			if err := p.Signal(signal); err != nil {
				return fmt.Errorf("signal container %q of pod %s/%s: %w", container, namespace, pod, err)
			}
			return nil
		}
	}
	return fmt.Errorf("signal container %q of pod %s/%s: it has no process", container, namespace, pod)
}

// Processes are the processes of a running container of any kind, the first
// one first. It is found through the pod's status, so the API server has to
// have been told of it; the node may have been cut off since.
func (c *Cluster) Processes(ctx context.Context, namespace, pod, container string) ([]Process, error) {
	found, err := c.client.CoreV1().Pods(namespace).Get(ctx, pod, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("find pod %s/%s: %w", namespace, pod, err)
	}
	id, err := containerID(found, container)
	if err != nil {
		return nil, fmt.Errorf("find container %q of pod %s/%s: %w", container, namespace, pod, err)
	}
	pids, err := c.pidsOf(found.Spec.NodeName, id)
	if err != nil {
		return nil, fmt.Errorf("find container %q of pod %s/%s: %w", container, namespace, pod, err)
	}
	return identify(pids), nil
}

func containerID(pod *corev1.Pod, container string) (string, error) {
	all := slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses, pod.Status.EphemeralContainerStatuses)
	for _, status := range all {
		if status.Name != container {
			continue
		}
		if status.State.Running == nil {
			return "", errors.New("it is not running")
		}
		_, id, _ := strings.Cut(status.ContainerID, "://")
		return id, nil
	}
	return "", errors.New("the pod's status does not have it")
}

// pidsOf reads the processes from the container's cgroup, where the kernel
// gives the reader's numbers.
func (c *Cluster) pidsOf(node, id string) ([]int, error) {
	for _, tree := range c.read().Cgroups {
		var pids []int
		inside := false
		root := filepath.Join(tree, node)
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // a container that ended meanwhile
			}
			if err != nil {
				return err
			}
			if !entry.IsDir() || !strings.Contains(path+"/", "/"+id+"/") {
				return nil
			}
			inside = true
			content, err := os.ReadFile(filepath.Join(path, "cgroup.procs"))
			if err != nil {
				return nil //nolint:nilerr // it ended meanwhile
			}
			for field := range bytes.FieldsSeq(content) {
				if pid, err := strconv.Atoi(string(field)); err == nil {
					pids = append(pids, pid)
				}
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read the cgroups of %q: %w", node, err)
		}
		if inside {
			return pids, nil
		}
	}
	return nil, fmt.Errorf("no cgroup of %q is container %q's", node, id)
}

// identify tells a container's processes apart. The first is the one whose
// parent is outside; one that ended meanwhile is left out.
func identify(pids []int) []Process {
	var found []Process
	for _, pid := range pids {
		status, err := readStat(pid)
		if err != nil || status.state == 'Z' {
			continue
		}
		command, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
		if err != nil {
			continue
		}
		found = append(found, Process{
			PID:     pid,
			Command: strings.Split(strings.TrimRight(string(command), "\x00"), "\x00"),
			First:   !slices.Contains(pids, status.parent),
			process: process{PID: pid, Started: status.started},
		})
	}
	slices.SortStableFunc(found, func(a, b Process) int {
		switch {
		case a.First == b.First:
			return a.PID - b.PID
		case a.First:
			return -1
		default:
			return 1
		}
	})
	return found
}
