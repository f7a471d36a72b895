package product

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

func TestBirthsAreReadAtOnceAndUntilTheWatchEnds(t *testing.T) {
	named := func(name string) func(Birth) bool {
		return func(b Birth) bool { return b.Name == name }
	}
	for _, c := range []struct {
		name string
		end  func(w *watch.FakeWatcher)
		want string
	}{
		{"a watch that goes on", func(*watch.FakeWatcher) {}, ""},
		{"a watch that the API server ends", (*watch.FakeWatcher).Stop, "the watch has ended"},
		{"a watch that fails", func(w *watch.FakeWatcher) {
			w.Error(&metav1.Status{Status: metav1.StatusFailure, Code: http.StatusGone, Message: "too old"})
		}, "too old"},
		{"an object without a version", func(w *watch.FakeWatcher) { w.Add(pod("c", "")) }, `read the version of "c"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// It has no room: what is not taken holds the sender up.
				w := watch.NewFake()
				defer w.Stop()
				births := Follow(w)
				w.Add(pod("a", "7"))
				w.Modify(pod("a", "8"))
				w.Add(pod("b", "9"))
				c.end(w)
				synctest.Wait()

				seen, err := births.Until(named("b"))
				names := []string{}
				for _, b := range seen {
					names = append(names, b.Name)
				}
				if err != nil || !slices.Equal(names, []string{"a", "b"}) || seen[0].At != 7 {
					t.Errorf("seen are %v: %v", seen, err)
				}
				seen, err = births.Until(named("later"))
				if len(seen) > 0 || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Errorf("what was not made gets %v: %v", seen, err)
				}
			})
		})
	}
}

func pod(name, version string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, ResourceVersion: version}}
}
