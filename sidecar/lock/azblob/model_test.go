package azblob

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/objecttest"
)

// service is one blob, missing at first, of a service with a clock of its own. It follows the
// tables of Lease Blob and Set Blob Metadata in Azure's documentation.
type service struct {
	start time.Time
	rate  float64 // of its clock

	mu       sync.Mutex
	exists   bool
	etag     string
	made     int
	metadata map[string]string
	leaseID  string        // of the last lease, also when it has ended
	ends     time.Duration // of the lease, on its own clock
	broken   bool
	history  []object.Entry
}

func newService(rate float64) *service { return &service{start: time.Now(), rate: rate} }

const forever = time.Duration(1<<63 - 1)

// now is its clock.
func (s *service) now() time.Duration { return time.Duration(float64(time.Since(s.start)) * s.rate) }

// active says that the lease has not ended; it may be breaking.
func (s *service) active() bool { return s.leaseID != "" && s.now() < s.ends }

func (s *service) answer() answer {
	return answer{etag: s.etag, date: s.start.Add(s.now()).Truncate(time.Second)}
}

func (s *service) write(metadata map[string]string) answer {
	s.made++
	const mixed = 7919
	s.exists, s.metadata, s.etag = true, maps.Clone(metadata), fmt.Sprintf("%x-%d", s.made*mixed%100003, s.made)
	entry, err := object.Decode(metadata[object.MetadataKey])
	if err == nil {
		s.history = append(s.history, entry)
	}
	return s.answer()
}

func (s *service) still(etag string) error {
	if !s.exists || s.etag != etag {
		return lock.ErrConflict
	}
	return nil
}

func (s *service) properties() (properties, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.exists {
		return properties{answer: answer{date: s.answer().date}}, lock.ErrMissing
	}
	return properties{answer: s.answer(), metadata: maps.Clone(s.metadata)}, nil
}

func (s *service) create(metadata map[string]string) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exists {
		return answer{}, lock.ErrConflict
	}
	return s.write(metadata), nil
}

func (s *service) acquire(leaseID string, d time.Duration, etag string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.still(etag); err != nil {
		return err
	}
	switch {
	case s.active() && s.broken:
		return errBreaking
	case s.active() && s.leaseID != leaseID:
		return errLeased
	}
	s.leaseID, s.ends, s.broken = leaseID, s.now()+d, false
	return nil
}

func (s *service) setMetadata(leaseID, etag string, metadata map[string]string) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.still(etag); err != nil {
		return answer{}, err
	}
	if !s.active() || s.leaseID != leaseID {
		return answer{}, lock.ErrConflict
	}
	return s.write(metadata), nil
}

func (s *service) release(leaseID, etag string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.still(etag); err != nil {
		return err
	}
	if s.leaseID != leaseID {
		return lock.ErrConflict
	}
	s.leaseID = ""
	return nil
}

// breakLease ends the lease by hand, after so long at the latest.
func (s *service) breakLease(after time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active() {
		s.broken, s.ends = true, min(s.ends, s.now()+after)
	}
}

// leaseTo gives the lease to somebody who is no candidate, whoever has it.
func (s *service) leaseTo(leaseID string, ends time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaseID, s.ends, s.broken = leaseID, ends, false
}

// leased is who has the lease.
func (s *service) leased() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.active() {
		return ""
	}
	return s.leaseID
}

// delete deletes the blob by hand, whoever has its lease.
func (s *service) delete() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exists, s.etag, s.leaseID = false, "", ""
}

// records are all that were written.
func (s *service) records() []object.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]object.Entry(nil), s.history...)
}

// errCut says that a wire is cut, errLost that it lost an answer.
var (
	errCut  = errors.New("the wire is cut")
	errLost = errors.New("the answer is lost")
)

// wire is one process's way to the service, without faults at first. A request that it
// lets through is executed, whether or not somebody still waits for the answer.
type wire struct {
	service *service
	late    sync.WaitGroup

	mu    sync.Mutex
	draw  func(request string) objecttest.Fate
	cut   bool
	asked map[string]int
}

var _ blob = (*wire)(nil)

func (s *service) wire() *wire {
	return &wire{service: s, draw: calm, asked: map[string]int{}}
}

func calm(string) objecttest.Fate { return objecttest.Fate{} }

func (w *wire) trouble(draw func(request string) objecttest.Fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.draw = draw
}

// Calm implements electiontest.Line.
func (w *wire) Calm() { w.trouble(calm) }

// Wait implements electiontest.Line.
func (w *wire) Wait() { w.late.Wait() }

// Cut implements electiontest.Line.
func (w *wire) Cut(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
}

// requests is how many were sent of each kind, since the last time it was asked.
func (w *wire) requests() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.asked
	w.asked = map[string]int{}
	return asked
}

func (w *wire) properties(ctx context.Context) (properties, error) {
	return send(ctx, w, "properties", w.service.properties)
}

func (w *wire) create(ctx context.Context, _ string, metadata map[string]string) (answer, error) {
	return send(ctx, w, "create", func() (answer, error) { return w.service.create(metadata) })
}

func (w *wire) acquire(ctx context.Context, leaseID string, d time.Duration, etag string) error {
	_, err := send(ctx, w, "acquire", func() (answer, error) { return answer{}, w.service.acquire(leaseID, d, etag) })
	return err
}

func (w *wire) setMetadata(ctx context.Context, leaseID, etag string, metadata map[string]string) (answer, error) {
	return send(ctx, w, "write", func() (answer, error) { return w.service.setMetadata(leaseID, etag, metadata) })
}

func (w *wire) release(ctx context.Context, leaseID, etag string) error {
	_, err := send(ctx, w, "release", func() (answer, error) { return answer{}, w.service.release(leaseID, etag) })
	return err
}

func send[T any](ctx context.Context, w *wire, request string, execute func() (T, error)) (T, error) {
	var none T
	fate, err := w.fate(ctx, request)
	if err != nil {
		return none, err
	}
	type result struct {
		value T
		err   error
	}
	results := make(chan result, 1)
	w.late.Go(func() {
		time.Sleep(fate.Before)
		value, err := execute()
		if fate.Twice {
			value, err = execute()
		}
		time.Sleep(fate.After)
		if fate.Lost != nil {
			value, err = none, fate.Lost
		}
		results <- result{value, err}
	})
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case r := <-results:
		return r.value, r.err
	}
}

func (w *wire) fate(ctx context.Context, request string) (objecttest.Fate, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[request]++
	if err := ctx.Err(); err != nil {
		return objecttest.Fate{}, err
	}
	if w.cut {
		return objecttest.Fate{}, errCut
	}
	fate := w.draw(request)
	return fate, fate.Refused
}

// lockOf gives the lock of a process in the pod with this UID, through a wire.
func lockOf(w *wire, uid string, period time.Duration) *object.Lock {
	s := newStore(w, leaseID(uid, address), shortest)
	return object.New(s, object.Options{Name: address.String(), Period: period})
}

func pod(number int) string { return "p" + strconv.Itoa(number) }
