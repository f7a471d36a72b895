package webhook_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook"
	"github.com/leaseholder-dev/leaseholder/webhook/onelock"
)

// mistake is a row of a table in docs/injection.md.
type mistake struct {
	code injector.Reason
	// words are the pieces of what is said; "…" stands between them.
	words []string
}

// mistakes reads the table that the document marks with a name.
func mistakes(t *testing.T, name string) []mistake {
	t.Helper()
	raw, err := os.ReadFile("../docs/injection.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(raw), "<!-- "+name+" -->\n")
	table, _, found := strings.Cut(table, "<!-- /"+name+" -->")
	if !found {
		t.Fatalf("there is no table %q", name)
	}
	row := regexp.MustCompile("(?m)^\\|.*\\| `([^`]*)` \\| `([^`]*)` \\|$")
	var all []mistake
	for _, cells := range row.FindAllStringSubmatch(table, -1) {
		all = append(all, mistake{code: injector.Reason(cells[1]), words: strings.Split(cells[2], "…")})
	}
	const head = 2
	if rows := strings.Count(table, "\n") - head; rows != len(all) || rows == 0 {
		t.Errorf("table %q: %d of %d rows can be read", name, len(all), rows)
	}
	return all
}

// said is whether all words stand in a line, one after the other.
func (m mistake) said(line string) bool {
	for _, w := range m.words {
		_, rest, found := strings.Cut(line, w)
		if !found {
			return false
		}
		line = rest
	}
	return true
}

// golden gives the lines of the injector's golden files, by their reasons.
func golden(t *testing.T, pattern string, line *regexp.Regexp) map[injector.Reason][]string {
	t.Helper()
	files, err := filepath.Glob("../injector/testdata/" + pattern)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[injector.Reason][]string{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, parts := range line.FindAllStringSubmatch(string(raw), -1) {
			lines[injector.Reason(parts[1])] = append(lines[injector.Reason(parts[1])], parts[2])
		}
	}
	return lines
}

// checkMistakes holds a table to what is said: to its codes, one row for each, and
// to its words. A refusal of several faults has one code, so that words are looked
// for under all.
func checkMistakes(t *testing.T, table string, said map[injector.Reason][]string) {
	t.Helper()
	var codes []injector.Reason
	for _, m := range mistakes(t, table) {
		codes = append(codes, m.code)
		if !slices.ContainsFunc(slices.Concat(slices.Collect(maps.Values(said))...), m.said) {
			t.Errorf("nobody says of %s: %s", m.code, strings.Join(m.words, "…"))
		}
	}
	want := slices.Sorted(maps.Keys(said))
	slices.Sort(codes)
	if !slices.Equal(codes, want) {
		t.Errorf("table %q has the codes\n%v, and should have\n%v", table, codes, want)
	}
}

func TestTheDocumentSaysWhatIsSaid(t *testing.T) {
	decision := regexp.MustCompile(`\A# \w+, (\w+)\n# (.*)\n`)

	refused := golden(t, "refuse/*.out.yaml", decision)
	h := webhook.NewHandler(webhook.Options{
		Settings:  settings(),
		Leases:    &leases{foreign: map[string]bool{"shop/orders": true}},
		Elections: elections{workload: "deployment/orders"},
		Excluded:  func(namespace string) bool { return strings.HasPrefix(namespace, "kube-") },
	})
	for _, namespace := range []string{"shop", "team", "kube-system"} {
		d := h.Decide(context.WithoutCancel(t.Context()), injector.Namespace{Name: namespace}, annotatedPod(), false)
		refused[d.Reason] = append(refused[d.Reason], d.Message)
	}
	h = webhook.NewHandler(webhook.Options{
		Settings: settings(), Leases: &leases{}, Elections: elections{other: &onelock.Other{Pod: "orders-0", Lock: config.LockAddress{Scheme: config.LockGCS, Bucket: "shop-locks", Object: "orders"}}},
	})
	d := h.Decide(context.WithoutCancel(t.Context()), injector.Namespace{Name: "shop"}, annotatedPod(), false)
	refused[d.Reason] = append(refused[d.Reason], d.Message)
	h = webhook.NewHandler(webhook.Options{
		Settings: settings(), Leases: &leases{}, Endpoints: webhook.KnownEndpoints{Own: &endpointsReader{}, All: &endpointsReader{object: ofService}},
	})
	pod := annotatedPod()
	pod.Annotations[injector.AnnotationLock] = "endpoints"
	d = h.Decide(context.WithoutCancel(t.Context()), injector.Namespace{Name: "shop"}, pod, false)
	refused[d.Reason] = append(refused[d.Reason], d.Message)
	checkMistakes(t, "refused", refused)

	left := golden(t, "skip/*.out.yaml", decision)
	maps.DeleteFunc(left, func(r injector.Reason, _ []string) bool { return r != injector.CannotInject })
	checkMistakes(t, "left-alone", left)

	warned := golden(t, "workload/*.txt", regexp.MustCompile(`(?m)^(\w+): (.*)$`))
	maps.DeleteFunc(warned, func(r injector.Reason, _ []string) bool { return !slices.Contains(injector.FindingReasons(), r) })
	checkMistakes(t, "warned", warned)
}

// annotatedPod asks for the sidecar.
func annotatedPod() *corev1.Pod {
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app"}}}}
	pod.Annotations = map[string]string{injector.AnnotationInject: "true", injector.AnnotationElection: "orders"}
	return pod
}
