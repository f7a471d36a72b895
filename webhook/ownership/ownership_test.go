package ownership

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
)

const election = "deployment-orders"

// What stands in the election: orders has its name by default, the others can only
// name it.
var (
	orders      = Member{Workload: "deployment/orders"}
	ordersNamed = Member{Workload: "deployment/orders", Named: true}
	db          = Member{Workload: "statefulset/db", Named: true}
	bare        = Member{Named: true}
	firstJob    = Member{Workload: "job/backup-1", Named: true}
	secondJob   = Member{Workload: "job/backup-2", Named: true}
)

func record(workload string) Record { return Record{recorded: true, workload: workload} }

func TestTheRecordFollowsThePods(t *testing.T) {
	type step struct {
		pods []Member
		want Record
	}
	shared, mine := record(""), record("deployment/orders")
	for name, steps := range map[string][]step{
		"one that has it by default":                {{[]Member{orders, orders}, mine}, {nil, mine}, {[]Member{orders}, mine}},
		"one that names it":                         {{[]Member{ordersNamed}, shared}, {[]Member{ordersNamed, db}, shared}},
		"both were let in before there was a lease": {{[]Member{db, orders}, mine}},
		"only one comes, who names it":              {{[]Member{db}, shared}, {[]Member{db, orders}, shared}, {[]Member{orders}, mine}},
		"a rollout to naming it":                    {{[]Member{orders, orders}, mine}, {[]Member{orders, ordersNamed}, mine}, {[]Member{ordersNamed}, shared}, {[]Member{ordersNamed, db}, shared}},
		"a rollout to naming it beside a stranger":  {{[]Member{orders, db}, mine}, {[]Member{ordersNamed, orders, db}, mine}, {[]Member{ordersNamed, db}, shared}},
		"a rollout from naming it":                  {{[]Member{ordersNamed}, shared}, {[]Member{ordersNamed, orders}, mine}, {[]Member{orders}, mine}},
		"a rollout to naming another":               {{[]Member{orders}, mine}, {nil, mine}},
		"the owner is scaled to zero":               {{[]Member{orders}, mine}, {[]Member{db}, mine}, {nil, mine}, {[]Member{orders, db}, mine}},
		"jobs that name it":                         {{[]Member{firstJob}, shared}, {[]Member{firstJob, secondJob}, shared}, {[]Member{secondJob}, shared}},
		"a pod without a controller":                {{[]Member{bare}, shared}, {[]Member{bare, orders}, shared}},
	} {
		t.Run(name, func(t *testing.T) {
			got := First(steps[0].pods)
			for i, s := range steps {
				if got = got.Next(s.pods); got != s.want {
					t.Errorf("step %d: recorded %+v, want %+v", i, got, s.want)
				}
				if again := got.Next(s.pods); again != got {
					t.Errorf("step %d: then %+v without a change", i, again)
				}
			}
		})
	}
	var open Record
	if got := open.Next([]Member{orders, db}); got != open {
		t.Errorf("an open election became %+v", got)
	}
}

func TestWhoIsRefused(t *testing.T) {
	mine, shared := record("deployment/orders"), record("")
	for name, c := range map[string]struct {
		record Record
		member Member
		others []Member
		owner  string
	}{
		"its own pod":                        {record: mine, member: orders},
		"its own pod beside a stranger":      {record: mine, member: orders, others: []Member{db}},
		"its own pod that names it":          {record: mine, member: ordersNamed, others: []Member{orders}},
		"another that names it":              {record: mine, member: db, owner: "deployment/orders"},
		"another that names it, alone":       {record: mine, member: db, others: []Member{db}, owner: "deployment/orders"},
		"a pod without a controller":         {record: mine, member: bare, owner: "deployment/orders"},
		"all name it":                        {record: shared, member: db, others: []Member{ordersNamed, bare, firstJob}},
		"it does not name what others share": {record: shared, member: orders, others: []Member{ordersNamed, db}, owner: "statefulset/db"},
		"the first of many is told":          {record: shared, member: orders, others: []Member{db, secondJob, ordersNamed, firstJob}, owner: "job/backup-1"},
		"it stops naming what is its own":    {record: shared, member: orders, others: []Member{ordersNamed}},
		"it comes first":                     {record: shared, member: orders},
		"an open one, for all":               {member: db, others: []Member{orders}},
		"an open one, for its workload":      {member: orders, others: []Member{db}},
	} {
		t.Run(name, func(t *testing.T) {
			refusal, refused := c.record.Refuses(c.member, c.others)
			if refused != (c.owner != "") {
				t.Fatalf("refused: %v", refused)
			}
			if !refused {
				return
			}
			if refusal.Owner != c.owner || refusal.Shared != c.record.Shared() {
				t.Errorf("it is %+v", refusal)
			}
			told := refusal.Tell("shop", election)
			for _, part := range []string{`"` + election + `"`, `"shop"`, c.owner, injector.AnnotationElection + ": " + election} {
				if !strings.Contains(told, part) {
					t.Errorf("no %s in: %s", part, told)
				}
			}
			if len(told) > 900 {
				t.Errorf("an event has no room for %d bytes", len(told))
			}
		})
	}
}

func TestARecordIsReadAsItWasWritten(t *testing.T) {
	for _, want := range []Record{{}, record(""), record("deployment/orders")} {
		lease := &metav1.ObjectMeta{Annotations: map[string]string{"other": "x"}}
		want.Write(lease)
		if got := Of(lease); got != want || lease.Annotations["other"] != "x" {
			t.Errorf("wrote %+v, read %+v: %v", want, got, lease.Annotations)
		}
	}
}

func TestMemberOf(t *testing.T) {
	pod := func(kind, name string, annotations map[string]string) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: annotations, Labels: map[string]string{"pod-template-hash": "7c9d"}}}
		if kind != "" {
			p.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: name, Controller: new(true)}}
		}
		return p
	}
	named := map[string]string{injector.AnnotationElection: election}
	for name, c := range map[string]struct {
		pod  *corev1.Pod
		want Member
	}{
		"by default":                          {pod("ReplicaSet", "orders-7c9d", nil), orders},
		"named like the default":              {pod("ReplicaSet", "orders-7c9d", named), ordersNamed},
		"named by another":                    {pod("StatefulSet", "db", named), db},
		"named by another that denies it now": {pod("StatefulSet", "db", nil), db},
		"without a controller":                {pod("", "", nil), bare},
	} {
		t.Run(name, func(t *testing.T) {
			if got := MemberOf(c.pod, election); got != c.want {
				t.Errorf("it is %+v, want %+v", got, c.want)
			}
		})
	}
}
