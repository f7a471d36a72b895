package remote

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

func TestLeader(t *testing.T) {
	pods := []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "1"}}}
	held := func(reports, holder, stamp string) lock.Record {
		return lock.Record{Reports: reports, Holder: holder, Stamp: stamp}
	}
	for name, test := range map[string]struct {
		record lock.Record
		lock   string
		want   bool
	}{
		"a lease held here":                     {held("", "a_1_x", "a_1_x"), "lease", false},
		"a lease of a pod that is gone":         {held("", "b_2_x", "b_2_x"), "lease", false},
		"an Endpoints object of one that is":    {held("endpoints", "b_2_x", "b_2_x"), "endpoints", false},
		"a store's, held here":                  {held("gs://shop/x", "a_1_x", "a_1_x"), "gs://shop/x", false},
		"a store's, held elsewhere":             {held("gs://shop/x", "b_2_x", "b_2_x"), "gs://shop/x", true},
		"a store's, by a pod of the same name":  {held("gs://shop/x", "a_2_x", "a_2_x"), "gs://shop/x", true},
		"a store's, held by nobody":             {held("gs://shop/x", "", ""), "gs://shop/x", false},
		"a store's, held by a stranger":         {held("gs://shop/x", "b", ""), "gs://shop/x", false},
		"a lock that this build does not know":  {held("etcd://x", "b_2_x", "b_2_x"), "etcd://x", true},
		"a lock of this name, that it does not": {held("etcd://x", "a_1_x", "a_1_x"), "etcd://x", false},
	} {
		if got := Leader(test.record, pods); got != test.want || Lock(test.record) != test.lock {
			t.Errorf("%s: %v, of %s", name, got, Lock(test.record))
		}
	}
}
