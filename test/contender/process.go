package contender

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Process is one contestant's process. Its methods may be called from several
// goroutines.
type Process struct {
	options Options
	url     string
	command *exec.Cmd
	queue   *queue
	record  *record

	// killed says that Kill was called.
	killed atomic.Bool
	// done is closed when the process has ended and everything it said is told;
	// err, how it ended, may be read then.
	done chan struct{}
	err  error
}

// Name is the pod's name, and the identity of a client-go elector.
func (p *Process) Name() string { return p.options.Name }

// URL is the sidecar's local API, or that of 2016, and empty for client-go.
func (p *Process) URL() string { return p.url }

// PID is the process's number, also when it has ended.
func (p *Process) PID() int { return p.command.Process.Pid }

// Changes gives every change of leadership from the start on, and is closed when
// the process has ended. None is lost, however late it is read; when the context
// that the process was started with has ended, what is unread is dropped.
func (p *Process) Changes() <-chan Change { return p.queue.out }

// Leading says whether it leads, as far as is known here. A paused sidecar whose
// validity has run out does not.
func (p *Process) Leading() bool { return p.record.leading(boot()) }

// Terms are the terms in which it led so far, in their order.
func (p *Process) Terms() []Term { return p.record.all(boot()) }

// Terminate sends SIGTERM. An ended process needs none: that is no error.
func (p *Process) Terminate() error { return p.signal(syscall.SIGTERM) }

// Kill sends SIGKILL. An ended process needs none: that is no error.
func (p *Process) Kill() error {
	p.killed.Store(true)
	return p.signal(syscall.SIGKILL)
}

// Pause sends SIGSTOP: the process does nothing any more until Resume or Kill,
// and its connections stay open.
func (p *Process) Pause() error { return p.signal(syscall.SIGSTOP) }

// Resume sends SIGCONT.
func (p *Process) Resume() error { return p.signal(syscall.SIGCONT) }

func (p *Process) signal(s syscall.Signal) error {
	if err := p.command.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("send %s to %q: %w", s, p.options.Name, err)
	}
	return nil
}

// Wait waits for the process's end. The error is ctx's, or how the process ended
// unless it was killed by Kill or exited with code 0.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of %q: %w", p.options.Name, context.Cause(ctx))
	}
}

// start starts the process. It is killed when ctx ends. follow, if there is one,
// runs beside it, until the context that it is given ends, which is when the
// process has.
func (p *Process) start(ctx context.Context, follow func(context.Context)) error {
	if err := p.command.Start(); err != nil {
		return fmt.Errorf("start %q: %w", p.options.Name, err)
	}
	go p.queue.run(ctx)
	following, stop := context.WithCancel(ctx)
	var followed sync.WaitGroup
	if follow != nil {
		followed.Go(func() { follow(following) })
	}
	go func() {
		err := p.command.Wait()
		at := boot()
		stop()
		followed.Wait()
		p.record.processEnded(at)
		p.queue.close()
		if err != nil && !p.killed.Load() {
			p.err = fmt.Errorf("%q ended: %w", p.options.Name, err)
		}
		close(p.done)
	}()
	return nil
}

// newProcess gives a process that is not yet started.
func newProcess(ctx context.Context, o Options, path string, args ...string) *Process {
	p := &Process{options: o, queue: newQueue(), done: make(chan struct{})}
	p.record = &record{tell: p.queue.put, valid: map[int64]time.Duration{}, deadline: o.RenewDeadline}
	p.command = exec.CommandContext(ctx, path, args...)
	return p
}
