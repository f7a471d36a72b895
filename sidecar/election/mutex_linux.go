package election

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// mutexRetry is how often a taken PodMutex is tried again. Its owner is another
// process of the same pod, so this costs nobody else anything.
const mutexRetry = 100 * time.Millisecond

// LockPod takes the mutex of a pod and an election, and waits while another
// process of the pod has it. The kernel frees it when its process ends, however
// it ends, so whoever has it knows that no earlier process of the pod still
// leads. It is an abstract Unix socket (unix(7)), which containers of one pod
// share and which needs no file system. The function that comes back frees it.
//
// The errors are ctx's, and a kernel's that has no abstract sockets.
func LockPod(ctx context.Context, podUID, election string) (func(), error) {
	sum := sha256.Sum256([]byte(podUID + "/" + election))
	name := fmt.Sprintf("@leaseholder-%x", sum[:16])
	var config net.ListenConfig
	for {
		listener, err := config.Listen(ctx, "unix", name)
		switch {
		case err == nil:
			return func() { _ = listener.Close() }, nil
		case !errors.Is(err, syscall.EADDRINUSE):
			return nil, fmt.Errorf("take the pod's mutex %q: %w", name, err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the pod's mutex %q: %w", name, ctx.Err())
		case <-time.After(mutexRetry):
		}
	}
}
