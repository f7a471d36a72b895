package product

import (
	"errors"
	"fmt"
	"strconv"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
)

// Birth is an object as it was made, with its version at that moment.
type Birth struct {
	Object runtime.Object
	Name   string
	At     uint64
}

// Births are the objects that a watch has seen being made, in this order. None is
// missing: where the watch ended, that is told instead.
type Births struct {
	mu    sync.Mutex
	seen  []Birth
	ended error
}

// Follow reads a watch until that is stopped. It never lets the watch wait, for the API
// server ends one whose events nobody takes.
func Follow(w watch.Interface) *Births {
	b := &Births{}
	go func() {
		err := b.read(w)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.ended = err
	}()
	return b
}

func (b *Births) read(w watch.Interface) error {
	for e := range w.ResultChan() {
		if e.Type == watch.Error {
			return fmt.Errorf("watch objects being made: %w", apierrors.FromObject(e.Object))
		}
		if e.Type != watch.Added {
			continue
		}
		if err := b.add(e.Object); err != nil {
			return err
		}
	}
	return errors.New("watch objects being made: the watch has ended")
}

func (b *Births) add(object runtime.Object) error {
	o, err := meta.Accessor(object)
	if err != nil {
		return fmt.Errorf("watch objects being made: %w", err)
	}
	at, err := strconv.ParseUint(o.GetResourceVersion(), 10, 64)
	if err != nil {
		return fmt.Errorf("watch objects being made: read the version of %q: %w", o.GetName(), err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = append(b.seen, Birth{Object: object, Name: o.GetName(), At: at})
	return nil
}

// Until gives all births up to the first that is wanted. It gives none while that has
// not been seen, and an error when it can't be any more.
func (b *Births) Until(wanted func(Birth) bool) ([]Birth, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.seen {
		if wanted(b.seen[i]) {
			return b.seen[: i+1 : i+1], nil
		}
	}
	return nil, b.ended
}
