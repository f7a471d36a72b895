package contender

import (
	"context"
	"fmt"
	"strconv"

	"github.com/leaseholder-dev/leaseholder/test/contender/event"
)

// ClientGo starts an elector of client-go, which lives until it ends, is ended, or
// ctx ends. It returns when the elector stands.
func (s Set) ClientGo(ctx context.Context, o Options) (*Process, error) {
	o = o.complete()
	p := newProcess(ctx, o, s.ClientGoPath,
		"--kubeconfig="+o.Kubeconfig,
		"--namespace="+o.Namespace,
		"--lease="+o.Election,
		"--identity="+o.Name,
		"--lease-duration="+o.LeaseDuration.String(),
		"--renew-deadline="+o.RenewDeadline.String(),
		"--retry-period="+o.RetryPeriod.String(),
		"--release-on-cancel="+strconv.FormatBool(o.ReleaseOnCancel),
	)
	return p.stand(ctx)
}

// stand starts an elector that says in events when it leads, and returns when it stands.
func (p *Process) stand(ctx context.Context) (*Process, error) {
	o := p.options
	standing := make(chan struct{})
	p.command.Stdout = &lines{line: func(line []byte) {
		e, err := event.Parse(line)
		switch {
		case err != nil:
			_, _ = fmt.Fprintf(o.Log, "%s: %v\n", o.Name, err)
		case e.Kind == event.Standing:
			close(standing)
		default:
			p.record.happened(e)
		}
	}}
	p.command.Stderr = &lines{line: func(line []byte) { _, _ = fmt.Fprintf(o.Log, "%s: %s\n", o.Name, line) }}
	if err := p.start(ctx, nil); err != nil {
		return nil, err
	}
	return p.await(ctx, standing)
}
