// Package bench measures Leaseholder's sidecar beside client-go's
// LeaderElector, and its webhook beside one that does nothing: real processes of
// all, against one real kube-apiserver and etcd, in one run, so that they share the
// machine and its load.
//
// What is measured, how, and how far off it can be:
//
// Clock. All times are readings of CLOCK_BOOTTIME by processes of one machine,
// so no two clocks are compared. A new leader's time is package contender's: for
// the sidecar when an event of its local API arrives, as an application would get
// it, some tenths of a millisecond late; for client-go when its callback
// OnStartedLeading is called, in its own process.
//
// Floor. A client writes a Lease; another one, with a watch and a connection of
// its own, writes it again when it sees that. The time runs from before the first
// write is sent until the second is answered. The clients are the fastest that
// client-go has, in this process, so nothing of an election is in it. Its rounds
// stand between those of graceful failovers, each after a short pause: in the same
// conditions.
//
// Graceful failover. From before SIGTERM is sent to the leader until another
// candidate leads. Of that, "release seen" begins when this package's watch
// delivers the release, which is up to some milliseconds later or earlier than
// the candidates' own watches do: the API server sends to its watchers one after
// the other. One of Leaseholder's failovers happens at a time and no process is
// started meanwhile, since milliseconds matter there; client-go's, which take
// seconds, go on side by side.
//
// Crash failover. The leader gets SIGKILL at a random phase of its renewals. The
// lease's end is one lease duration after this package's watch delivered the
// dead leader's last renewal; what counts is how long after it a candidate leads.
// A candidate whose own watch was faster may lead a moment before: values can be
// negative by some milliseconds. The many elections that wait for their leases'
// ends side by side are told apart: no two end within a margin, and no process is
// started close to an end.
//
// Requests. The API server's audit log names each request's user, and each
// candidate is a user. Conflicts are answers with the code 409, reads are get and
// list, of all candidates of the election from the signal until shortly after
// the new leader's first word. A watch counts when it is opened.
//
// At rest. All elections of all sizes rest side by side; requests are counted,
// and CPU time read from the process's own CPU clock, over one window; resident
// memory is VmRSS at its end. It holds what the file system shares with other
// processes of the same executable too. Each sidecar carries one stream of its
// local API for the bench, as it would for an application.
//
// Hundred candidates. All of them run on this one machine, which also runs the
// API server: a hundred processes that all get a watch event, on two CPUs, take
// longer to act than in a hundred pods. Their lease is shorter than the default,
// for more rounds; what lies beyond the lease's end does not depend on it.
//
// Admission. Pods are created by dry runs, so that nothing piles up: without a
// webhook, with one that does nothing, and with Leaseholder's, by turns, so that
// other work on the machine hits all alike. The one that does nothing is a process
// with the same server, over TLS as well. The time runs from before a request is
// sent until the answer is there; pods are encoded before it, and answers are not
// decoded. The election exists, as for all of its pods but the first; what the first
// costs stands apart. The API server runs without the ServiceAccount plugin, which
// needs a cluster's controllers.
//
// Grants. The webhook has the chart's rights and no others, since Kubernetes looks
// through the writer's own at each Role and RoleBinding. The time runs from when the
// creation of an election's first pod was answered until the pod's account has read the
// Lease; that account is an administrator who impersonates it, and asks every
// millisecond from when a watch has shown the RoleBinding. The floor is a Lease, a
// Role and a RoleBinding, written one after the other by one client that impersonates
// the webhook's account, until the third is answered, and until that same account has
// read that Lease. Both come by turns, in one namespace, whose bindings pile up; the
// pods do not.
//
// The webhook. Its CPU time is that of its process over all those requests, by its
// own CPU clock, so what its controllers do meanwhile is in it. Its memory is VmRSS:
// before it is asked, after the last of many requests at once, and when a thousand
// injected pods stand in the cluster. The handler without a network is package
// webhook's own benchmark.
package bench
