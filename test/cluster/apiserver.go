package cluster

import (
	"context"
	"fmt"
	"syscall"
)

const apiServer = "kube-apiserver"

// KillAPIServer ends the API server at once: requests are refused from then on
// and connections are closed.
func (c *Cluster) KillAPIServer(ctx context.Context) error {
	c.forget(apiServer)
	if err := c.process(apiServer).end(ctx); err != nil {
		return fmt.Errorf("kill the API server: %w", err)
	}
	return nil
}

// StartAPIServer starts the API server again after KillAPIServer, at the same
// address, and returns when it serves.
func (c *Cluster) StartAPIServer(ctx context.Context) error {
	if c.process(apiServer).alive() {
		return fmt.Errorf("start the API server: %w", ErrRunning)
	}
	for _, p := range c.controlPlane() {
		if p.name != apiServer {
			continue
		}
		if err := c.launch(ctx, p); err != nil {
			return err
		}
	}
	return c.waitForAPIServer(ctx)
}

// FreezeAPIServer stops the API server without closing a connection: requests
// to it hang until ThawAPIServer or until their clients give up.
func (c *Cluster) FreezeAPIServer() error {
	if err := c.process(apiServer).signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("freeze the API server: %w", err)
	}
	return nil
}

// ThawAPIServer lets a frozen API server go on.
func (c *Cluster) ThawAPIServer() error {
	if err := c.process(apiServer).signal(syscall.SIGCONT); err != nil {
		return fmt.Errorf("thaw the API server: %w", err)
	}
	return nil
}
