package injector

import (
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// shop is a namespace that leaves the choice to its pods.
var shop = Namespace{Name: injectortest.Namespace}

func TestAnnotationsAreSortedAndReadByOneCase(t *testing.T) {
	known := Annotations()
	if !slices.IsSorted(known) {
		t.Errorf("not sorted: %q", known)
	}
	pod := examplePod(t, "inject/every-annotation")
	for _, key := range known {
		if _, ok := pod.Annotations[key]; !ok {
			t.Errorf("case every-annotation does not set %s", key)
		}
		// One value that none allows: a key that is listed but never read would pass.
		broken := pod.DeepCopy()
		broken.Annotations[key] = "\x00"
		if d := Decide(shop, broken, administrator()); !slices.ContainsFunc(d.Faults, func(f Fault) bool { return f.Key == key }) {
			t.Errorf("%s is not read", key)
		}
	}
}

// A pod is not validated yet when it is decided about: it can hold anything.
func TestMessagesStayShort(t *testing.T) {
	pod := examplePod(t, "inject/a-deployment-with-one-annotation")
	long := strings.Repeat("x", 1<<20)
	pod.Annotations[Prefix+long] = long
	pod.Annotations[Prefix+"a\nb"] = ""
	pod.Labels[Prefix+long] = long
	for i := range 1000 {
		pod.Annotations[Prefix+strconv.Itoa(i)] = ""
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
			Name: long, Ports: []corev1.ContainerPort{{ContainerPort: config.DefaultAPIPort}},
		})
	}
	d := Decide(shop, pod, administrator())
	if d.Outcome != Refused || len(d.Message) > 1<<16 || strings.ContainsRune(d.Message, '\n') {
		t.Errorf("%s with a message of %d bytes", d.Outcome, len(d.Message))
	}
	pod = examplePod(t, "refuse/other-variables")
	for i := range 1000 {
		pod.Spec.InitContainers[0].Env = append(pod.Spec.InitContainers[0].Env, corev1.EnvVar{Name: ownVariables + strconv.Itoa(i) + long})
	}
	if d := Decide(shop, pod, administrator()); d.Outcome != Refused || len(d.Message) > 1<<14 {
		t.Errorf("%s with a message of %d bytes", d.Outcome, len(d.Message))
	}
}

func TestReasonsHaveOneSentenceEach(t *testing.T) {
	seen := map[string]Reason{}
	for _, r := range Reasons() {
		s := r.Sentence()
		if s == "" || strings.HasSuffix(s, ".") {
			t.Errorf("%s has the sentence %q", r, s)
		}
		if other, ok := seen[s]; ok {
			t.Errorf("%s and %s have the same sentence", r, other)
		}
		seen[s] = r
	}
}

func TestFaultTellsWhereItsValueComesFrom(t *testing.T) {
	for _, test := range []struct {
		fault Fault
		want  string
	}{
		{
			Fault{Key: "leaseholder.dev/standby", Value: "stoped", Allowed: "ready, unready"},
			`leaseholder.dev/standby="stoped": allowed: ready, unready`,
		},
		{Fault{Key: "k", Value: "10s", Unset: true, Allowed: "less"}, `k="10s" (default): allowed: less`},
		{Fault{Key: "k", Unset: true, Allowed: "a"}, `k (not set): allowed: a`},
		{Fault{Key: "k", Allowed: "a"}, `k="": allowed: a`},
		{Fault{Key: "k", Value: "two\nlines", Allowed: "a"}, `k="two\nlines": allowed: a`},
		{Fault{Key: "k", Value: strings.Repeat("ü", 100), Allowed: "a"}, `k="` + strings.Repeat("ü", 100) + `": allowed: a`},
		{Fault{Key: "k", Value: strings.Repeat("ü", 101), Allowed: "a"}, `k="` + strings.Repeat("ü", 100) + `…": allowed: a`},
	} {
		if got := test.fault.String(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestPriority(t *testing.T) {
	for name, test := range map[string]struct {
		annotations map[string]string
		want        int32
		ok          bool
	}{
		"none is 0":                     {nil, 0, true},
		"a whole number":                {map[string]string{AnnotationPriority: "7"}, 7, true},
		"the least":                     {map[string]string{AnnotationPriority: "-2147483648"}, -1 << 31, true},
		"the greatest":                  {map[string]string{AnnotationPriority: "2147483647"}, 1<<31 - 1, true},
		"one more is 0, and a fault":    {map[string]string{AnnotationPriority: "2147483648"}, 0, false},
		"nothing is 0, and a fault":     {map[string]string{AnnotationPriority: ""}, 0, false},
		"a word is 0, and a fault":      {map[string]string{AnnotationPriority: "high"}, 0, false},
		"hexadecimal is 0, and a fault": {map[string]string{AnnotationPriority: "0x10"}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{}
			pod.Annotations = test.annotations
			if got, ok := Priority(pod); got != test.want || ok != test.ok {
				t.Errorf("got %d, %v", got, ok)
			}
		})
	}
}

// Quantities of a pod can have exponents whose comparison takes minutes.
func TestQuantitiesBeyondAnyNodeAreNotCompared(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"1", "1", true},
		{"1", "1000m", true},
		{"1", "999m", false},
		{"1e19", "1e19", false},
		{"1", "1e2000000000", false},
		{"1e2000000000", "1", false},
	} {
		if got := sameQuantity(resource.MustParse(test.a), resource.MustParse(test.b)); got != test.want {
			t.Errorf("%s and %s: got %t, want %t", test.a, test.b, got, test.want)
		}
	}
}

func TestSettingsAreCheckedToo(t *testing.T) {
	pod := examplePod(t, "inject/a-deployment-with-one-annotation")
	s := administrator()
	s.LogLevel++
	d := Decide(Namespace{Name: "Shop"}, pod, s)
	want := `leaseholder refuses this pod: leaseholder.dev/log-level="info+1" (default): allowed: debug, info, warn, error; ` +
		`metadata.namespace="Shop": allowed: a namespace's name`
	if d.Message != want {
		t.Errorf("got %s", d.Message)
	}
}

// The race detector sees here whether settings or pods are written to.
func TestSettingsServeManyCallsAtOnce(t *testing.T) {
	guaranteed := examplePod(t, "inject/guaranteed-with-one-side-annotated")
	plain := examplePod(t, "inject/every-annotation")
	conflict := examplePod(t, "refuse/a-request-above-the-default-limit")
	s := administrator()
	encode := func(pod *corev1.Pod) string {
		d := Decide(shop, pod, s)
		patch, err := json.Marshal(d.Patch)
		if err != nil {
			t.Error(err)
		}
		return d.Message + string(patch)
	}
	pods := []*corev1.Pod{guaranteed, plain, conflict}
	var group sync.WaitGroup
	results := make([]string, 30)
	for i := range results {
		group.Go(func() { results[i] = encode(pods[i%len(pods)]) })
	}
	group.Wait()
	for i := range results {
		if results[i] != results[i%len(pods)] {
			t.Errorf("the same pod gave %s and %s", results[i], results[i%len(pods)])
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	pod := examplePod(b, "inject/a-deployment-with-one-annotation")
	s := administrator()
	for b.Loop() {
		d := Decide(shop, pod, s)
		if _, err := json.Marshal(d.Patch); err != nil || d.Outcome != Injected {
			b.Fatal(d.Message, err)
		}
	}
}

func examplePod(t testing.TB, name string) *corev1.Pod {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name + ".in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var pod corev1.Pod
	if err := yaml.Unmarshal(raw, &pod); err != nil {
		t.Fatal(err)
	}
	return &pod
}
