package acceptance

import (
	"encoding/json"
	"flag"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
	"github.com/leaseholder-dev/leaseholder/injector/injectortest/podfuzz"
)

var (
	podCount  = flag.Int64("pods", 200, "how many random pods are created")
	firstSeed = flag.Int64("first-seed", 0, "the seed of the first random pod")
)

// TestRandomPods creates random pods without the sidecar and then with it. A pod that
// the API server accepts must not become invalid, lose anything, or change when it
// is injected again.
//
// One pod is replayed by its seed:
//
//	go test ./webhook/acceptance -run TestRandomPods -pods=1 -first-seed=17
func TestRandomPods(t *testing.T) {
	serve(t)
	r := &randomPods{without: newPlace(t, excluded+"random", nil, nil), with: map[injector.Policy]place{}, count: map[string]int{}}
	for _, policy := range []injector.Policy{injector.Unlabelled, injector.Require, injector.Default} {
		var labels map[string]string
		if policy != injector.Unlabelled {
			labels = map[string]string{injector.LabelInjection: string(policy)}
		}
		r.with[policy] = newPlace(t, strings.Trim("random-"+string(policy), "-"), labels, nil)
	}
	t.Run("seed", func(t *testing.T) {
		for seed := *firstSeed; seed < *firstSeed+*podCount; seed++ {
			t.Run(strconv.FormatInt(seed, 10), func(t *testing.T) {
				t.Parallel()
				r.try(t, seed)
			})
		}
	})
	r.judge(t)
}

// randomPods counts what became of the pods.
type randomPods struct {
	without place
	with    map[injector.Policy]place

	mu    sync.Mutex
	count map[string]int
}

// What becomes of a pod.
const (
	rejected  = "not valid"
	injected  = "injected"
	refused   = "refused by the webhook"
	leftAlone = "left alone"
)

func (r *randomPods) add(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count[what]++
}

// judge fails where random pods no longer try anything.
func (r *randomPods) judge(t *testing.T) {
	t.Helper()
	for _, what := range slices.Sorted(maps.Keys(r.count)) {
		t.Logf("%5d %s", r.count[what], what)
	}
	if all := int(*podCount); all >= 100 && (r.count[rejected] > all/4 || r.count[injected] < all/4) {
		t.Errorf("of %d random pods, %d are not valid and %d are injected", all, r.count[rejected], r.count[injected])
	}
}

// try makes one pod, and creates it without the sidecar and with it.
func (r *randomPods) try(t *testing.T, seed int64) {
	t.Helper()
	maker := podfuzz.FromSeed(seed)
	raw, err := json.Marshal(maker.Plausible())
	if err != nil {
		t.Fatal(err)
	}
	raw, without := r.without.repair(t.Context(), t, raw)
	if without.err != nil {
		r.add(rejected)
		t.Logf("not valid: %v", without.err)
		return
	}
	policy := []injector.Policy{injector.Unlabelled, injector.Unlabelled, injector.Require, injector.Default}[seed%4]
	asking := raw
	if policy == injector.Unlabelled || seed%8 < 4 {
		asking = annotated(t, raw, maker.Annotations())
	}
	p := r.with[policy]
	with := p.create(t.Context(), asking, dryRun)
	switch {
	case with.err != nil && strings.Contains(with.message(), `pods.leaseholder.dev" denied the request: leaseholder refuses this pod: `):
		r.add(refused)
		t.Log(with.message())
	case with.err != nil:
		t.Errorf("a valid pod is made invalid: %v\n%s", with.err, asking)
	case !sidecarIn(with):
		r.add(leftAlone)
		if policy != injector.Default && !strings.Contains(string(asking), `"`+injector.AnnotationInject+`":"false"`) {
			t.Errorf("the pod is neither injected nor refused: %s", asking)
		}
	default:
		r.add(injected)
		r.compare(t, p, asking, without, with)
	}
}

// compare wants an injected pod to be what it was and more, and to stay so.
func (r *randomPods) compare(t *testing.T, p place, asking []byte, without, with answer) {
	t.Helper()
	before, after := r.without.settled(t, without), p.settled(t, with)
	if class(before) == string(corev1.PodQOSGuaranteed) && class(after) != class(before) {
		t.Errorf("the pod was %s, and is %s now: %s", class(before), class(after), with.raw)
	}
	same(t, "created once more", p.settled(t, p.create(t.Context(), p.in(again(t, after)), dryRun)), after)
	unstructured.RemoveNestedField(before, "status")
	checkSums(t, asking, before, after)
	shortenLists(before, after)
	if what := injectortest.Lost(before, after); what != "" {
		t.Errorf("the pod lost %s:\n%s\nis now\n%s", what, text(t, before), text(t, after))
	}
}

// checkSums wants the pod's own requests and limits that the API server made of those
// of its containers to have grown, and removes them before.
func checkSums(t *testing.T, asking []byte, before, after map[string]any) {
	t.Helper()
	var asked unstructured.Unstructured
	if err := json.Unmarshal(asking, &asked.Object); err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"requests", "limits"} {
		path := []string{"spec", "resources", list}
		given, _, _ := unstructured.NestedStringMap(asked.Object, path...)
		was, _, _ := unstructured.NestedStringMap(before, path...)
		is, _, _ := unstructured.NestedStringMap(after, path...)
		for name, sum := range was {
			if _, ok := given[name]; ok {
				continue
			}
			unstructured.RemoveNestedField(before, append(path, name)...)
			grown, err := resource.ParseQuantity(is[name])
			if err != nil || grown.Cmp(resource.MustParse(sum)) < 0 {
				t.Errorf("the pod's %s of %s were %s, and are %s now", list, name, sum, is[name])
			}
		}
	}
}

// shortenLists takes back what was added to the lists of a mesh.
func shortenLists(before, after map[string]any) {
	was, _, _ := unstructured.NestedStringMap(before, "metadata", "annotations")
	is, _, _ := unstructured.NestedStringMap(after, "metadata", "annotations")
	for key, list := range was {
		if strings.HasPrefix(is[key], list) {
			_ = unstructured.SetNestedField(after, list, "metadata", "annotations", key)
		}
	}
}

// class is a pod's quality of service.
func class(pod map[string]any) string {
	class, _, _ := unstructured.NestedString(pod, "status", "qosClass")
	return class
}

func annotated(t *testing.T, raw []byte, annotations map[string]string) []byte {
	t.Helper()
	var pod unstructured.Unstructured
	if err := json.Unmarshal(raw, &pod.Object); err != nil {
		t.Fatal(err)
	}
	all := pod.GetAnnotations()
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, annotations)
	pod.SetAnnotations(all)
	raw, err := json.Marshal(pod.Object)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
