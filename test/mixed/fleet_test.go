package mixed_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/test/contender"
)

const (
	// patience is how long a test waits for what has to come.
	patience = time.Minute
	// glance is the time between two looks.
	glance = 5 * time.Millisecond
	// namespace is where the Leases and Endpoints objects are.
	namespace = metav1.NamespaceDefault
)

// timing is the durations of one contestant.
type timing struct{ lease, renew, retry time.Duration }

// A busy machine, whose disk or processors stand still for a second or two, takes
// the lead from whoever has a short renew deadline. So only those have one whose
// lead may end at any time.
var (
	// quick is as short as both kinds take it.
	quick = timing{4 * time.Second, 2 * time.Second, time.Second}
	// exclusive is as short as client-go excludes others whatever happens: one that
	// can't renew calls OnStoppedLeading up to retry + 2 renew after its last
	// renewal, since it tries to release too.
	exclusive = timing{6 * time.Second, 2 * time.Second, time.Second}
	// lasting is longer than any delay of a busy machine.
	lasting = timing{10 * time.Second, 6 * time.Second, time.Second}
	// endless is for whoever must stay valid while something happens: nobody waits
	// for it.
	endless = timing{60 * time.Second, 40 * time.Second, time.Second}
)

// fleet is one Lease, or one Endpoints object, and those who stand for it.
type fleet struct {
	t        *testing.T
	election string
	lock     config.LockScheme
	history  *history

	ctx context.Context
	mu  sync.Mutex
	all []*contender.Process
}

// newFleet makes a Lease, marked as free, of a name that comes once: the mutex of
// a pod is the machine's.
func newFleet(t *testing.T) *fleet {
	t.Helper()
	l := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: electionName()}}
	lease.Free(l, time.Now())
	leases := client.CoordinationV1().Leases(namespace)
	l, err := leases.Create(t.Context(), l, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return fleetOn(t, l.Name, config.LockLease, recordHistory(t, leases, l))
}

// electionName is a name that comes once.
func electionName() string { return "mixed-" + strconv.FormatUint(rand.Uint64(), 36) }

// fleetOn is a fleet, still empty, that stands for a lock with this history.
func fleetOn(t *testing.T, election string, lock config.LockScheme, h *history) *fleet {
	t.Helper()
	f := &fleet{t: t, election: election, lock: lock, history: h}
	var cancel context.CancelFunc
	f.ctx, cancel = context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(func() {
		defer cancel()
		f.end()
		if t.Failed() {
			t.Logf("the lock: %v", f.history.story(0))
			for _, p := range f.processes() {
				t.Logf("%s: %+v", p.Name(), p.Terms())
			}
		}
	})
	return f
}

// end kills all that live, and waits for it.
func (f *fleet) end() {
	f.t.Helper()
	for _, p := range f.processes() {
		f.kill(p)
	}
}

func (f *fleet) processes() []*contender.Process {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*contender.Process(nil), f.all...)
}

// options are those of a contestant. release is for client-go.
func (f *fleet) options(name string, d timing, release bool) contender.Options {
	o := contender.Options{
		Name: name, UID: f.election + "-" + name, Namespace: namespace, Election: f.election, Lock: f.lock, Kubeconfig: kubeconfig,
		LeaseDuration: d.lease, RenewDeadline: d.renew, RetryPeriod: d.retry, ReleaseOnCancel: release,
	}
	if testing.Verbose() {
		o.Log = os.Stderr
	}
	return o
}

// ours starts a sidecar.
func (f *fleet) ours(name string, d timing) *contender.Process {
	f.t.Helper()
	p, err := programs.Sidecar(f.ctx, f.options(name, d, false))
	return f.join(p, err)
}

// clientGo starts an elector that releases what it has when it is terminated, and
// when it fails to renew.
func (f *fleet) clientGo(name string, d timing) *contender.Process {
	f.t.Helper()
	p, err := programs.ClientGo(f.ctx, f.options(name, d, true))
	return f.join(p, err)
}

// clientGoThatReleasesNothing starts an elector as client-go's defaults are.
func (f *fleet) clientGoThatReleasesNothing(name string, d timing) *contender.Process {
	f.t.Helper()
	p, err := programs.ClientGo(f.ctx, f.options(name, d, false))
	return f.join(p, err)
}

// of2016 starts a leader-elector sidecar of 2016, whose ttl is the lease duration.
func (f *fleet) of2016(name string, d timing) *contender.Process {
	f.t.Helper()
	p, err := programs.Elector2016(f.ctx, f.options(name, d, false))
	return f.join(p, err)
}

func (f *fleet) join(p *contender.Process, err error) *contender.Process {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, p)
	return p
}

// kill ends a process at once, and waits for it.
func (f *fleet) kill(p *contender.Process) {
	f.t.Helper()
	f.must(p.Kill())
	f.must(p.Wait(f.ctx))
}

// terminate ends a process as the kubelet does, and waits for it.
func (f *fleet) terminate(p *contender.Process) {
	f.t.Helper()
	f.must(p.Terminate())
	f.must(p.Wait(f.ctx))
}

func (f *fleet) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// leads waits until the process leads and the lock says so.
func (f *fleet) leads(p *contender.Process) {
	f.t.Helper()
	eventually(f.t, p.Name()+" leads", func() bool {
		states := f.history.since(0)
		return p.Leading() && heldBy(p.Name())(states[len(states)-1])
	})
}

// stops waits until the process leads no longer.
func (f *fleet) stops(p *contender.Process) {
	f.t.Helper()
	eventually(f.t, p.Name()+" leads no longer", func() bool { return !p.Leading() })
}

// deleteLease deletes the Lease.
func (f *fleet) deleteLease() {
	f.t.Helper()
	f.must(client.CoordinationV1().Leases(namespace).Delete(f.t.Context(), f.election, metav1.DeleteOptions{}))
}

// overlap is a time in which two led.
type overlap struct {
	first, second string
	length        time.Duration
}

func (o overlap) String() string {
	return fmt.Sprintf("%s beside %s for %s", o.first, o.second, o.length)
}

// overlaps are all times in which two of different names led.
func (f *fleet) overlaps() []overlap {
	var found []overlap
	all := f.processes()
	for i, p := range all {
		for _, q := range all[i+1:] {
			for _, a := range p.Terms() {
				for _, b := range q.Terms() {
					if length := min(a.Ended, b.Ended) - max(a.Begun, b.Begun); length > 0 && p.Name() != q.Name() {
						found = append(found, overlap{p.Name(), q.Name(), length})
					}
				}
			}
		}
	}
	return found
}

// excluded says that nobody ever led beside another.
func (f *fleet) excluded() {
	f.t.Helper()
	for _, o := range f.overlaps() {
		f.t.Errorf("two led: %s", o)
	}
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), glance, patience, true, func(context.Context) (bool, error) { return so(), nil })
	if err != nil {
		t.Fatalf("%s: not so after %s: %v", what, patience, err)
	}
}
