package contender

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/api"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// What the sidecar's log says when it begins and ceases to lead.
const (
	logLeading = "leading"
	logStopped = "no longer leading"
)

// Sidecar starts a sidecar of ours, on loopback ports of its own. It lives until it
// ends, is ended, or ctx ends. Sidecar returns when its local API answers.
func (s Set) Sidecar(ctx context.Context, o Options) (*Process, error) {
	o = o.complete()
	port, err := FreePort(ctx)
	if err != nil {
		return nil, err
	}
	probes, err := FreePort(ctx)
	if err != nil {
		givePort(port)
		return nil, err
	}
	const loopback = "127.0.0.1"
	settings := config.Default()
	settings.Election, settings.Namespace, settings.PodName, settings.PodUID = o.Election, o.Namespace, o.Name, o.UID
	settings.Lock = config.LockAddress{Scheme: o.Lock}
	settings.Timing = config.Timing{LeaseDuration: o.LeaseDuration, RenewDeadline: o.RenewDeadline, RetryPeriod: o.RetryPeriod}
	settings.APIAddress, settings.ProbeAddress = net.JoinHostPort(loopback, port), net.JoinHostPort(loopback, probes)

	p := newProcess(ctx, o, s.SidecarPath)
	p.url = "http://" + settings.APIAddress
	p.command.Env = append(os.Environ(), "KUBECONFIG="+o.Kubeconfig)
	for _, v := range config.Render(settings) {
		p.command.Env = append(p.command.Env, v.Name+"="+v.Value)
	}
	p.command.Stderr = &lines{line: func(line []byte) {
		p.readLog(line)
		_, _ = fmt.Fprintf(o.Log, "%s: %s\n", o.Name, line)
	}}
	answers := make(chan struct{})
	err = p.start(ctx, func(ctx context.Context) {
		p.follow(ctx, sync.OnceFunc(func() { close(answers) }))
		givePort(port)
		givePort(probes)
	})
	if err != nil {
		givePort(port)
		givePort(probes)
		return nil, err
	}
	return p.await(ctx, answers)
}

// await waits until a process is ready, which it may not become before it ends.
func (p *Process) await(ctx context.Context, ready <-chan struct{}) (*Process, error) {
	select {
	case <-ready:
		return p, nil
	case <-p.done:
		if ctx.Err() != nil {
			return nil, fmt.Errorf("start %q: %w", p.options.Name, context.Cause(ctx))
		}
		// What ended it is in its log.
		return nil, fmt.Errorf("start %q: it ended at once: %s", p.options.Name, p.command.ProcessState)
	}
}

// readLog takes the moments at which the sidecar began and ceased to lead from its
// log: they are read in its process.
func (p *Process) readLog(line []byte) {
	var l struct {
		Time    time.Time `json:"time"`
		Message string    `json:"msg"`
		Token   int64     `json:"token"`
	}
	if json.Unmarshal(line, &l) != nil || l.Message != logLeading && l.Message != logStopped {
		return
	}
	p.record.logged(BootOf(l.Time), l.Message == logLeading, l.Token)
}

// follow reads the events of the local API until ctx ends; heard is called with
// every one.
func (p *Process) follow(ctx context.Context, heard func()) {
	transport := &http.Transport{DisableKeepAlives: true}
	client := &http.Client{Transport: transport}
	defer transport.CloseIdleConnections()
	const again = 2 * time.Millisecond
	ticker := time.NewTicker(again)
	defer ticker.Stop()
	for {
		// A connection is refused before the sidecar listens and ends with it.
		_ = p.stream(ctx, client, heard)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// stream reads the events of one connection.
func (p *Process) stream(ctx context.Context, client *http.Client, heard func()) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/sse", http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	events := bufio.NewScanner(response.Body)
	for events.Scan() {
		data, found := bytes.CutPrefix(events.Bytes(), []byte("data: "))
		if !found {
			continue
		}
		at := boot()
		var d api.Document
		if err := json.Unmarshal(data, &d); err != nil {
			return fmt.Errorf("read an event of %q: %w", p.options.Name, err)
		}
		token, err := strconv.ParseInt(d.FencingToken, 10, 64)
		if err != nil {
			return fmt.Errorf("read a fencing token of %q: %w", p.options.Name, err)
		}
		p.record.told(at, d.IsLeader, token, time.Duration(d.ValidUntilBoottime*float64(time.Second)))
		heard()
	}
	return events.Err()
}
