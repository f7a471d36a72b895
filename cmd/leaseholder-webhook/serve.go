package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/leaseholder-dev/leaseholder/webhook"
	"github.com/leaseholder-dev/leaseholder/webhook/certs"
	"github.com/leaseholder-dev/leaseholder/webhook/event"
	"github.com/leaseholder-dev/leaseholder/webhook/grants"
	"github.com/leaseholder-dev/leaseholder/webhook/handover"
	"github.com/leaseholder-dev/leaseholder/webhook/roles"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
	"github.com/leaseholder-dev/leaseholder/webhook/workloads"
)

// serve runs the webhook until ctx is done. The controllers end first, and the
// lock is released; pods are answered for a while longer, not ready any more,
// until the API servers have been led elsewhere.
func serve(ctx context.Context, o options) error {
	kube, err := loadConfig(o.kubeconfig)
	if err != nil {
		return err
	}
	p, err := newProcess(ctx, kube, o)
	if err != nil {
		return err
	}
	return p.run(ctx)
}

// process is everything that runs, made and not yet started.
type process struct {
	options   options
	kube      *rest.Config
	cache     cache.Cache
	client    client.Client
	keeper    *certs.Keeper
	events    *event.Queue
	handler   *webhook.Handler
	workloads *workloads.Handler
	waits     *grants.Waits
	server    *webhook.Server
	metrics   *prometheus.Registry
	synced    atomic.Bool
}

func newProcess(ctx context.Context, kube *rest.Config, o options) (*process, error) {
	var clock certs.Clock
	kube = rest.CopyConfig(kube)
	kube.Wrap(clock.Listen)
	p := &process{options: o, kube: kube}
	var err error
	if p.client, err = client.New(kube, client.Options{Scheme: view.Scheme()}); err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	p.cache, err = view.NewCache(ctx, kube, view.Options{
		Namespace:            o.namespace,
		CertificateSecret:    o.certificateSecret,
		WebhookConfiguration: o.webhookConfiguration,
		RightsUnwatched:      !o.rightsManaged,
	})
	if err != nil {
		return nil, err
	}
	p.keeper, err = certs.New(certs.Options{
		Cache:                p.cache,
		Client:               p.client,
		Secret:               types.NamespacedName{Namespace: o.namespace, Name: o.certificateSecret},
		WebhookConfiguration: o.webhookConfiguration,
		Names:                serverNames(o.service, o.namespace),
		Mode:                 o.certificates,
		Lifetimes:            o.lifetimes,
		Now:                  clock.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("make the keeper of the certificate: %w", err)
	}
	p.metrics = prometheus.NewRegistry()
	if err := p.keeper.Register(p.metrics); err != nil {
		return nil, err
	}
	decisions, err := webhook.NewDecisions(p.metrics)
	if err != nil {
		return nil, err
	}
	if p.events, err = event.NewQueue(p.teller(), p.metrics); err != nil {
		return nil, err
	}
	if o.rightsManaged {
		if p.waits, err = grants.NewWaits(p.metrics); err != nil {
			return nil, err
		}
	}
	p.handler = webhook.NewHandler(webhook.Options{
		Settings:  o.sidecar,
		Leases:    webhook.KnownLeases{Own: p.cache, All: p.client},
		Endpoints: webhook.KnownEndpoints{Own: p.cache, All: p.client, Unmanaged: !o.rightsManaged},
		Unmanaged: !o.rightsManaged,
		Elections: webhook.KnownElections{Cache: p.cache},
		Excluded:  func(namespace string) bool { return view.Excluded(namespace, o.namespace) },
		Events:    p.events,
		Decisions: decisions,
	})
	findings, err := workloads.NewFindings(p.metrics)
	if err != nil {
		return nil, err
	}
	p.workloads = workloads.NewHandler(workloads.Options{Decide: p.handler.Decide, Budgets: p.client, Findings: findings})
	p.server = webhook.NewServer(o.webhookPort, p.keeper.GetCertificate, p.handler)
	p.workloads.Register(p.server)
	if o.clientCA != nil {
		p.server.RequireClients(o.clientCA)
	}
	return p, nil
}

// serverNames are what the API server and people in the cluster call a Service.
func serverNames(service, namespace string) []string {
	name := service + "." + namespace + ".svc"
	return []string{name, name + ".cluster.local"}
}

// run starts everything and waits for all of it. The first to fail ends the
// rest.
func (p *process) run(ctx context.Context) error {
	group, ending := errgroup.WithContext(ctx)
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	keepUp := func(what string, run func(context.Context) error) {
		group.Go(func() error {
			err := run(serving)
			if err == nil && serving.Err() == nil {
				err = errors.New("ended by itself")
			}
			if err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			return nil
		})
	}

	health := &health{checks: []check{
		{"caches", p.cachesSynced},
		{"certificate", func(*http.Request) error { return p.keeper.Ready() }},
		{"listener", p.server.Started},
	}}
	keepUp("cache", p.cache.Start)
	keepUp("certificate", p.keeper.Run)
	keepUp("webhook", p.server.Start)
	keepUp("events", p.events.Run)
	keepUp("health", func(ctx context.Context) error {
		return serveHTTP(ctx, p.options.healthPort, health.handler())
	})
	keepUp("metrics", func(ctx context.Context) error {
		mux := http.NewServeMux()
		all := prometheus.Gatherers{metrics.Registry, p.metrics}
		mux.Handle("GET /metrics", promhttp.HandlerFor(all, promhttp.HandlerOpts{}))
		return serveHTTP(ctx, p.options.metricsPort, mux)
	})
	group.Go(func() error {
		p.synced.Store(p.cache.WaitForCacheSync(serving))
		return nil
	})
	if p.options.rightsManaged {
		group.Go(func() error { return p.grant(ending) })
	}
	group.Go(func() error { return lead(ending, p.kube, p.options, p.show) })
	group.Go(func() error {
		defer stop()
		<-ending.Done()
		health.drain()
		p.server.Drain()
		slog.InfoContext(ctx, "shutting down", "after", p.options.shutdownDelay.String())
		time.Sleep(p.options.shutdownDelay)
		return nil
	})
	return group.Wait()
}

func (p *process) cachesSynced(*http.Request) error {
	if !p.synced.Load() {
		return errors.New("not synced yet")
	}
	return nil
}

// grant is what every replica does: nobody waits for an election among them.
func (p *process) grant(ctx context.Context) error {
	granter := grants.New(grants.Options{
		Cache:       p.cache,
		Client:      p.client,
		Kube:        p.kube,
		Teller:      p.teller(),
		Namespace:   p.options.namespace,
		Waits:       p.waits,
		UnusedAfter: p.options.unusedAfter,
	})
	if err := granter.Run(ctx); ctx.Err() == nil {
		return err
	}
	return nil // it ended because it was told to
}

// show is what one replica at a time does: it shows who leads, and gives the lead
// to who has the highest priority.
func (p *process) show(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return roles.New(roles.Options{
			Cache:     p.cache,
			Client:    p.client,
			Teller:    p.teller(),
			Namespace: p.options.namespace,
		}).Run(ctx)
	})
	group.Go(func() error {
		return handover.New(handover.Options{
			Cache:     p.cache,
			Client:    p.client,
			Teller:    p.teller(),
			Namespace: p.options.namespace,
		}).Run(ctx)
	})
	return group.Wait()
}

func (p *process) teller() event.Teller {
	return event.Teller{Client: p.client, Instance: p.options.podName, Logger: slog.Default()}
}
