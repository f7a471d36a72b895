package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// program is one program to start on the host.
type program struct {
	name string
	argv []string
	env  []string
	// gated means that the program itself waits for a line on descriptor 3
	// before it does anything.
	gated bool
	// before runs when the process exists and before it may do anything.
	before func(ctx context.Context, pid int) error
}

// gate holds a program back until it is told to go on. If the caller ends
// first, the read fails and nothing is left behind that nobody wrote down.
const gate = `read -r _ <&3 || exit 1; exec "$@" 3<&-`

// launch starts a program that outlives the caller, with a session and a log
// of its own, and writes it into the state.
func (c *Cluster) launch(ctx context.Context, p program) error {
	argv := p.argv
	if !p.gated {
		argv = append([]string{"/bin/sh", "-c", gate, p.name}, argv...)
	}
	log, err := os.OpenFile(c.log(p.name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("open the log of %q: %w", p.name, err)
	}
	defer log.Close()
	wait, open, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start %q: %w", p.name, err)
	}
	defer open.Close()

	// Without the context: the program is to outlive this one, and Down ends it.
	command := exec.Command(argv[0], argv[1:]...) //nolint:noctx // see above
	// None of the caller's environment: a proxy meant for the outside, for one,
	// would come between the API server and its webhooks.
	command.Env = append([]string{"PATH=" + hostPath, "HOME=" + c.dir, "LANG=C.UTF-8"}, p.env...)
	command.Dir = c.dir
	command.Stdout, command.Stderr = log, log
	command.ExtraFiles = []*os.File{wait}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = command.Start()
	wait.Close()
	if err != nil {
		return fmt.Errorf("start %q: %w", p.name, err)
	}
	exited := make(chan struct{})
	c.waiters.Go(func() {
		// The exit is noticed by its channel, its reason is in the log.
		_ = command.Wait()
		close(exited)
	})
	started, err := findProcess(command.Process.Pid)
	if err != nil {
		return fmt.Errorf("start %q: %w", p.name, err)
	}
	err = c.update(func(s *state) { s.Processes[p.name] = started })
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.exited[p.name] = exited
	c.mu.Unlock()

	if p.before != nil {
		if err := p.before(ctx, started.PID); err != nil {
			return fmt.Errorf("prepare %q: %w", p.name, err)
		}
	}
	if _, err := open.WriteString("go\n"); err != nil {
		return fmt.Errorf("start %q: %w\n%s", p.name, err, c.logTail(p.name))
	}
	return nil
}

// checkRunning says which program of those this process started has ended.
func (c *Cluster) checkRunning() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, exited := range c.exited {
		select {
		case <-exited:
			return fmt.Errorf("%q ended; the end of its log %q is\n%s", name, c.log(name), c.logTail(name))
		default:
		}
	}
	return nil
}

// forget says that the end of a program is wanted: nothing that waits for
// another one fails by it.
func (c *Cluster) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.exited, name)
}

// waitFor polls until a check gives no error, and gives up at once if one of
// the programs has ended.
func (c *Cluster) waitFor(ctx context.Context, check func(context.Context) error) error {
	return poll(ctx, 50*time.Millisecond, func() (bool, error) {
		if err := c.checkRunning(); err != nil {
			return false, err
		}
		if err := check(ctx); err != nil {
			return false, notYet{err}
		}
		return true, nil
	})
}

func (c *Cluster) log(name string) string { return filepath.Join(c.dir, "logs", name+".log") }

func (c *Cluster) logTail(name string) string {
	content, err := os.ReadFile(c.log(name))
	if err != nil {
		return errors.Join(errors.New("no log"), err).Error()
	}
	return tail(content, 15)
}
