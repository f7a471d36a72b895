package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/leaseholder-dev/leaseholder/test/clouds/faults"
	"github.com/leaseholder-dev/leaseholder/test/cluster"
	"github.com/leaseholder-dev/leaseholder/test/product"
)

// secondCluster is a cluster of its own, with one node and the chart.
func secondCluster(t *testing.T) site {
	t.Helper()
	dir := t.TempDir()
	c, err := cluster.Start(t.Context(), cluster.Options{Dir: dir, Out: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	api, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	at := site{product.Product{Root: prod.Root, Cluster: c}, api}
	if err := at.install(t.Context(), "--set", "replicas=1"); err != nil {
		t.Fatal(err)
	}
	return at
}

// member is one of two clusters in an election, with a way of its own to the store.
type member struct {
	*space
	way     *faults.Proxy
	history *product.History
}

// join gives a cluster its way to the store, and applies the example.
func join(t *testing.T, at site, store *fakestorage.Server) *member {
	t.Helper()
	m := &member{space: at.space(t, 2*lifetime)}
	m.way = wayTo(t, store, at)
	_, err := m.client.CoreV1().Secrets(m.name).Create(m.ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "election-lock"},
		StringData: map[string]string{"endpoint": m.way.URL},
	}, metav1.CreateOptions{})
	m.must(err)
	m.history = m.space.history(orders)
	m.apply("examples/multi-cluster")
	return m
}

// leads waits until both clusters name a pod of this one as the leader, which alone has
// the label, and gives what both reports say. The term must be later than token.
func (m *member) leads(other *member, token int64) (product.Entry, bool) {
	m.Helper()
	var e product.Entry
	led := false
	m.eventually("one leader in two clusters", func() error {
		here, there := m.latest(), other.latest()
		if here.Holder == "" || here.Holder != there.Holder || here.Token != there.Token {
			return fmt.Errorf("one report says %q with token %d, and the other %q with token %d", here.Holder, here.Token, there.Holder, there.Token)
		}
		if here.Token <= token {
			return fmt.Errorf("it is still token %d", token)
		}
		leader := m.identity(here).Pod
		labels := append(m.leaders(), other.leaders()...)
		if len(labels) != 1 || labels[0] != leader {
			return fmt.Errorf("the label is on %q, and %s leads", labels, leader)
		}
		e, led = here, len(m.leaders()) == 1
		return nil
	})
	return e, led
}

// latest is what the cluster's report says now.
func (m *member) latest() product.Entry {
	all := m.history.Since(0)
	if len(all) == 0 {
		return product.Entry{}
	}
	return all[len(all)-1]
}

// leaders are the pods of the cluster that bear the leader's label.
func (m *member) leaders() (names []string) {
	m.Helper()
	for _, p := range m.pods("orders") {
		if p.Labels["leaseholder.dev/role"] == "leader" {
			names = append(names, p.Name)
		}
	}
	return names
}

// claims are what the pods of an election say, asked one after the other.
type claims struct {
	// leaders is how often one said that it leads.
	leaders int
	// stale are those that said so although one with a larger token had before.
	stale []string
}

// ask goes on until ctx ends.
func (c *claims) ask(ctx context.Context, members ...*member) {
	highest := int64(0)
	for ctx.Err() == nil {
		for _, m := range members {
			pods, err := m.client.CoreV1().Pods(m.name).List(ctx, metav1.ListOptions{LabelSelector: "app=orders"})
			if err != nil {
				continue
			}
			for i := range pods.Items {
				d, err := m.leaderDocument(&pods.Items[i])
				if err != nil || !d.IsLeader {
					continue // it is starting, or is being deleted, or does not lead
				}
				token, err := strconv.ParseInt(d.FencingToken, 10, 64)
				if err != nil || token < highest {
					c.stale = append(c.stale, fmt.Sprintf("%s with token %s, after %d", d.Identity, d.FencingToken, highest))
				}
				highest = max(highest, token)
				c.leaders++
			}
		}
	}
}

// TestTwoClustersHaveOneLeader cuts the cluster that leads from the store: the other
// takes over, and the one from before says so by itself.
func TestTwoClustersHaveOneLeader(t *testing.T) {
	store := startStore(t)
	a, b := join(t, site{prod, client}, store), join(t, secondCluster(t), store)
	first, led := a.leads(b, 0)
	from, to := a, b
	if !led {
		from, to = b, a
	}
	t.Logf("first:\n%s%s", from.status(), to.status())

	watching, done := context.WithCancel(t.Context())
	var said claims
	var group sync.WaitGroup
	group.Go(func() { said.ask(watching, a, b) })
	defer group.Wait()
	defer done()

	from.way.Cut(true)
	second := to.await(to.history, 0, func(e product.Entry) bool { return e.Holder != "" && e.Token > first.Token })
	if _, here := to.local(second); !here {
		t.Errorf("%s leads, which is not in the cluster that reaches the store", second.Holder)
	}
	from.eventually("the word of the leader that was cut off", func() error {
		d, err := from.leaderDocument(from.pod(from.identity(first).Pod))
		if err == nil && d.IsLeader {
			err = errors.New("it says that it leads")
		}
		return err
	})
	from.eventually("no leader's label in the cluster that is cut off", func() error {
		if names := from.leaders(); len(names) > 0 {
			return fmt.Errorf("it is on %q", names)
		}
		return nil
	})
	t.Logf("cut off:\n%s%s", from.status(), to.status())

	from.way.Cut(false)
	healed, back := from.leads(to, first.Token)
	if back || healed.Token != second.Token {
		t.Errorf("after the cut, %s leads with token %d, and before %s with token %d", healed.Holder, healed.Token, second.Holder, second.Token)
	}
	t.Logf("healed:\n%s%s", from.status(), to.status())

	// An order in the cluster that leads.
	_, err := to.prod.Plugin(to.ctx, "-n", to.name, "step-down", orders)
	to.must(err)
	third, _ := a.leads(b, second.Token)
	t.Logf("after a step-down, %s leads", third.Holder)

	done()
	group.Wait()
	if len(said.stale) > 0 || said.leaders == 0 {
		t.Errorf("of %d leaders' answers, these were stale: %q", said.leaders, said.stale)
	}
	t.Logf("%d answers of leaders, none after one with a larger token", said.leaders)
}

// local is the pod of this cluster that an entry names, if it is one.
func (m *member) local(e product.Entry) (pod string, here bool) {
	m.Helper()
	id := m.identity(e)
	for _, p := range m.pods("orders") {
		if string(p.UID) == id.UID {
			return p.Name, true
		}
	}
	return "", false
}

// status is what a user of the cluster sees.
func (m *member) status() string {
	m.Helper()
	out, err := m.prod.Plugin(m.ctx, "-n", m.name, "status")
	m.must(err)
	return strings.TrimRight(out, "\n") + "\n"
}
