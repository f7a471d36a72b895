package lease_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/locktest"
)

const elsewhere = "gs://shop-locks/orders"

// pair gives one Lease as a lock and as a report.
func pair(t *testing.T) (held, report *lease.Lease) {
	t.Helper()
	held, err := lease.New(config, metav1.NamespaceDefault, name(t))
	if err != nil {
		t.Fatal(err)
	}
	if report, err = lease.NewReport(config, metav1.NamespaceDefault, name(t)); err != nil {
		t.Fatal(err)
	}
	return held, report
}

func TestAReportIsWrittenAndWatchedAsALockIs(t *testing.T) {
	client := kubernetes.NewForConfigOrDie(config).CoordinationV1().Leases(metav1.NamespaceDefault)
	locktest.Run(t, func(t *testing.T) locktest.Backend {
		t.Helper()
		_, report := pair(t)
		return locktest.Backend{Lock: report, Delete: func(ctx context.Context) error {
			return client.Delete(ctx, name(t), metav1.DeleteOptions{})
		}}
	})
}

func TestAReportIsNoLock(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	held, report := pair(t)
	if err := held.Create(ctx); err != nil {
		t.Fatal(err)
	}
	base, err := held.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := lock.Record{Holder: "a", Stamp: "a", Duration: time.Second, Token: 7, Reports: elsewhere}
	written, err := report.Write(ctx, base, want)
	if err != nil {
		t.Fatal(err)
	}
	read, err := report.Read(ctx)
	if err != nil || fmt.Sprint(read.Record) != fmt.Sprint(written.Record) || read.Record.Reports != elsewhere {
		t.Errorf("the report was written as %+v and reads as %+v, %v", written.Record, read.Record, err)
	}
	refused := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), `leaseholder.dev/lock="`+elsewhere+`" is refused`) {
			t.Errorf("%s: the error is %v", what, err)
		}
	}
	_, err = held.Read(ctx)
	refused("a read", err)
	refused("a watch", held.Watch(ctx, base.From, func(s lock.Snapshot) { t.Errorf("the watch tells %+v", s) }))
	if _, err := held.Write(ctx, base, lock.Record{Holder: "b", Stamp: "b", Duration: time.Second, Token: 8}); err == nil {
		t.Error("the lock is written over a report")
	}
}

// Whoever says that a Lease is its own lock says nothing new.
func TestALeaseThatSaysSoIsALock(t *testing.T) {
	client := kubernetes.NewForConfigOrDie(config).CoordinationV1().Leases(metav1.NamespaceDefault)
	held, _ := pair(t)
	if err := held.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	patch := []byte(`{"metadata":{"annotations":{"` + lease.LockAnnotation + `":"lease"}}}`)
	if _, err := client.Patch(t.Context(), name(t), types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	s, err := held.Read(t.Context())
	if err != nil || s.Record.Reports != "" {
		t.Errorf("it reads as %+v, %v", s.Record, err)
	}
	if _, err := held.Write(t.Context(), s, lock.Record{Holder: "a", Stamp: "a", Duration: time.Second, Token: 7}); err != nil {
		t.Errorf("it can't be held: %v", err)
	}
}
