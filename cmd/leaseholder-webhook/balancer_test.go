package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
)

// balancer stands for the Service in front of the replicas: a new connection
// goes in turn to one of those that said that they are ready when they were
// last asked, and an old one stays where it is.
type balancer struct {
	port int
	turn atomic.Int64

	mu       sync.Mutex
	replicas []*replica
}

func newBalancer(t *testing.T, replicas ...*replica) *balancer {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{port: webhooktest.Port(l), replicas: replicas}
	webhooktest.Background(t, "balancer", func(ctx context.Context) error {
		var wait sync.WaitGroup
		defer wait.Wait()
		stop := context.AfterFunc(ctx, func() { _ = l.Close() })
		defer stop()
		for {
			client, err := l.Accept()
			if err != nil {
				return err
			}
			wait.Go(func() { b.forward(ctx, client) })
		}
	})
	return b
}

// forward copies both ways until one side has ended.
func (b *balancer) forward(ctx context.Context, client net.Conn) {
	defer func() { _ = client.Close() }()
	ready := b.ready()
	if len(ready) == 0 {
		return
	}
	r := ready[int(b.turn.Add(1))%len(ready)]
	server, err := new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", r.options.webhookPort))
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	stop := context.AfterFunc(ctx, func() { _, _ = client.Close(), server.Close() })
	defer stop()
	var wait sync.WaitGroup
	wait.Go(func() {
		_, _ = io.Copy(server, client)
		if half, ok := server.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	})
	_, _ = io.Copy(client, server)
	_ = client.Close()
	wait.Wait()
}

func (b *balancer) add(r *replica) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.replicas = append(b.replicas, r)
}

func (b *balancer) ready() []*replica {
	b.mu.Lock()
	defer b.mu.Unlock()
	var ready []*replica
	for _, r := range b.replicas {
		if r.isReady.Load() {
			ready = append(ready, r)
		}
	}
	return ready
}

// replica is one process of the webhook.
type replica struct {
	options options
	process *process
	isReady atomic.Bool
	stop    func()
}

// probe asks what the kubelet asks.
func (r *replica) probe(ctx context.Context) error {
	_, err := get(ctx, fmt.Sprintf("http://127.0.0.1:%d/readyz", r.options.healthPort))
	r.isReady.Store(err == nil)
	return err
}

// get gives a page; every other answer than 200 is an error.
func get(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	page, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(string(page))
	}
	return string(page), err
}
