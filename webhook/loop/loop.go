// Package loop runs a controller: events name keys, workers bring each key's
// part of the cluster into order.
//
// It promises that one key is worked on by one worker at a time, that a key
// named again meanwhile is worked on again, that a failed one is tried again
// with growing delays, and that when Run returns, no worker runs and no event
// is listened to any more. So a controller can be run once in every term.
package loop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ErrBehind is an error of Work that is to be expected and no news: the cache does
// not show yet what somebody has just changed. It is logged for debugging only.
var ErrBehind = errors.New("the cache is behind")

// Delays between the attempts at one key.
const (
	firstRetry = 20 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// Loop is one controller. All fields must be set.
type Loop[K comparable] struct {
	// Name stands in logs.
	Name string
	// Workers is how many keys are worked on at the same time.
	Workers int
	// Work brings a key into order. After again it is called for the key once
	// more; zero means not before the next event. An error, which is logged, means
	// soon. Its context ends with that of Run.
	Work func(ctx context.Context, key K) (again time.Duration, err error)
	// Sources are what is listened to.
	Sources []Source[K]
	// Logger gets what goes wrong.
	Logger *slog.Logger
}

// Source is one kind of object to listen to.
type Source[K comparable] struct {
	// Object is of the kind.
	Object client.Object
	// Keys names the keys that a change concerns; none if it concerns nobody. At
	// the beginning it is called for every object that there is. An added object
	// comes with before nil, a deleted one with after nil.
	Keys func(before, after client.Object) []K
}

// Run listens and works until ctx is done, which is no error.
func (l *Loop[K]) Run(ctx context.Context, informers cache.Informers) (err error) {
	queue := workqueue.NewTypedRateLimitingQueue(
		workqueue.NewTypedItemExponentialFailureRateLimiter[K](firstRetry, lastRetry))
	var stops []func() error
	defer func() {
		queue.ShutDown()
		for _, stop := range stops {
			err = errors.Join(err, stop())
		}
	}()
	for _, source := range l.Sources {
		stop, err := source.listen(ctx, informers, queue)
		if err != nil {
			return fmt.Errorf("listen to %T for %s: %w", source.Object, l.Name, err)
		}
		stops = append(stops, stop)
	}
	var workers errgroup.Group
	for range l.Workers {
		workers.Go(func() error {
			for l.work(ctx, queue) {
			}
			return nil
		})
	}
	<-ctx.Done()
	queue.ShutDown()
	return workers.Wait()
}

// work takes one key; false when the queue was shut down.
func (l *Loop[K]) work(ctx context.Context, queue workqueue.TypedRateLimitingInterface[K]) bool {
	key, shutdown := queue.Get()
	if shutdown {
		return false
	}
	defer queue.Done(key)
	if ctx.Err() != nil {
		return true
	}
	again, err := l.Work(ctx, key)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		l.Logger.LogAttrs(ctx, levelOf(err), "trying again", slog.String("controller", l.Name), slog.Any("key", key), slog.Any("error", err))
		queue.AddRateLimited(key)
	default:
		queue.Forget(key)
		if again > 0 {
			queue.AddAfter(key, again)
		}
	}
	return true
}

func levelOf(err error) slog.Level {
	if errors.Is(err, ErrBehind) {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

// listen feeds the queue until stop is called. It returns when the keys of all
// objects that there are stand in the queue.
func (s Source[K]) listen(ctx context.Context, informers cache.Informers, queue workqueue.TypedInterface[K]) (stop func() error, err error) {
	informer, err := informers.GetInformer(ctx, s.Object)
	if err != nil {
		return nil, err
	}
	add := func(before, after client.Object) {
		if before == nil && after == nil {
			return
		}
		for _, key := range s.Keys(before, after) {
			queue.Add(key)
		}
	}
	registration, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) { add(nil, asObject(object)) },
		UpdateFunc: func(before, after any) {
			add(asObject(before), asObject(after))
		},
		DeleteFunc: func(object any) { add(asObject(object), nil) },
	})
	if err != nil {
		return nil, err
	}
	select {
	case <-registration.HasSyncedChecker().Done():
	case <-ctx.Done():
	}
	return func() error { return informer.RemoveEventHandler(registration) }, nil
}

// asObject takes an object out of the tombstone that stands for it when its
// deletion was missed; nil if there is none.
func asObject(object any) client.Object {
	if tombstone, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
		object = tombstone.Obj
	}
	o, _ := object.(client.Object)
	return o
}
