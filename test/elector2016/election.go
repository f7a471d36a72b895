package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/tools/record"
)

// newElection makes the Endpoints object if it is missing, tells who leads, and gives an
// elector with the durations of 2016.
func newElection(o options, client corev1.EndpointsGetter, tell func(leader string)) (*leaderelection.LeaderElector, error) {
	lock := &resourcelock.EndpointsLock{
		EndpointsMeta: metav1.ObjectMeta{Namespace: o.namespace, Name: o.election},
		Client:        client,
		LockConfig:    resourcelock.ResourceLockConfig{Identity: o.id, EventRecorder: &record.FakeRecorder{}},
	}
	_, err := client.Endpoints(o.namespace).Get(o.election, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = client.Endpoints(o.namespace).Create(&v1.Endpoints{ObjectMeta: metav1.ObjectMeta{Name: o.election}})
	}
	if err != nil {
		return nil, err
	}
	// Another than the elector's, which is not for two at once.
	asked := *lock
	current := func() (string, error) {
		r, err := asked.Get()
		if err != nil {
			return "", err
		}
		return r.HolderIdentity, nil
	}
	leader, err := current()
	if err != nil {
		return nil, err
	}
	tell(leader)
	return leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:          lock,
		LeaseDuration: o.ttl,
		RenewDeadline: o.ttl / 2,
		RetryPeriod:   o.ttl / 4,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(<-chan struct{}) { tell(o.id) },
			OnStoppedLeading: func() {
				// Where this fails, the leader is unknown.
				leader, err := current()
				if err != nil {
					fmt.Fprintln(os.Stderr, "failed to get the leader:", err)
				}
				tell(leader)
			},
			OnNewLeader: tell,
		},
	})
}

// say reports what happens now, by the clock of the tests.
func say(event string) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		panic(err) // Linux has it
	}
	fmt.Printf("{\"event\":%q,\"at\":%d}\n", event, now.Nano())
}
