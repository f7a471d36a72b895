package injector

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
)

// inspect gives what is found about a workload, with its template.
func inspect(t *testing.T, ns Namespace, object []byte) (Inspection, *Template) {
	t.Helper()
	template, err := ReadTemplate(object)
	if err != nil {
		t.Fatal(err)
	}
	before, err := ReadTemplate(object)
	if err != nil {
		t.Fatal(err)
	}
	i := Inspect(ns, template, administrator())
	if !equality.Semantic.DeepEqual(before.Pods, template.Pods) {
		t.Error("the template was changed in place")
	}
	return i, template
}

// TestWorkloads inspects every testdata/workload/NAME.yaml, and compares with
// NAME.txt.
func TestWorkloads(t *testing.T) {
	cases, err := injectortest.WorkloadCases("testdata")
	if err != nil {
		t.Fatal(err)
	}
	reached := map[Reason]bool{}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			i, template := inspect(t, Namespace{Name: injectortest.Namespace, Policy: Policy(c.NamespaceLabels[LabelInjection])}, c.Object)
			found := slices.Concat(i.Findings, InspectBudgets(i.Decision, template, c.Budgets))
			var got strings.Builder
			for n, warning := range Warnings(found) {
				reached[found[n].Reason] = true
				got.WriteString(string(found[n].Reason) + ": " + warning + "\n")
			}
			injectortest.Compare(t, c.Out, got.String(), *update)
		})
	}
	for _, reason := range FindingReasons() {
		if !reached[reason] {
			t.Errorf("no workload has the reason %s", reason)
		}
	}
}

func TestWhatHasNoTemplate(t *testing.T) {
	for _, object := range []string{
		`{"apiVersion":"v1","kind":"Pod"}`, `{"apiVersion":"apps/v2","kind":"Deployment"}`, `{"kind":"Deployment"}`, `{}`,
	} {
		if _, err := ReadTemplate([]byte(object)); !errors.Is(err, ErrNoTemplate) {
			t.Errorf("%s: %v", object, err)
		}
	}
	for _, object := range []string{``, `[]`, `{"apiVersion":"apps/v1","kind":"Deployment","spec":[]}`} {
		if _, err := ReadTemplate([]byte(object)); err == nil || errors.Is(err, ErrNoTemplate) {
			t.Errorf("%s: %v", object, err)
		}
	}
}

func TestTheElectionIsThatOfThePodsToCome(t *testing.T) {
	const spec = `,"template":{"metadata":{"annotations":{"leaseholder.dev/inject":"true"}},"spec":{"containers":[{"name":"app"}]}}`
	for object, want := range map[string]string{
		`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"orders"},"spec":{"replicas":2` + spec + `}}`:                         "deployment-orders",
		`{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db"},"spec":{"serviceName":"db"` + spec + `}}`:                      "statefulset-db",
		`{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"agent"},"spec":{"minReadySeconds":1` + spec + `}}`:                    "daemonset-agent",
		`{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"old"},"spec":{"replicas":1` + spec + `}}`:                            "replicaset-old",
		`{"apiVersion":"v1","kind":"ReplicationController","metadata":{"name":"old"},"spec":{"replicas":1` + spec + `}}`:                      "replicationcontroller-old",
		`{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"fill"},"spec":{"parallelism":2` + spec + `}}`:                              "job-fill",
		`{"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"tidy"},"spec":{"jobTemplate":{"spec":{"parallelism":2` + spec + `}}}}`: "job-tidy-0",
	} {
		if i, _ := inspect(t, Namespace{Name: "shop"}, []byte(object)); i.Decision.Election != want {
			t.Errorf("%s: election %q (%s)", object, i.Decision.Election, i.Decision.Message)
		}
	}
}

func TestNoWarningNeedsToBeCut(t *testing.T) {
	long := Finding{Message: strings.Repeat("ä", 350)}
	for n, want := range map[int]struct{ whole, lines int }{0: {0, 0}, 5: {5, 5}, 8: {8, 8}, 9: {0, 9}, 11: {0, 11}, 12: {0, 12}, 40: {0, 12}} {
		found := make([]Finding, n)
		for i := range found {
			found[i] = long
		}
		lines := Warnings(found)
		total, whole := 0, 0
		for _, line := range lines {
			length := utf8.RuneCountInString(line)
			if total += length; length > maxWarning {
				whole++
			}
		}
		if len(lines) != want.lines || whole != want.whole || total > maxWarnings {
			t.Errorf("%d findings: %d lines, %d of them whole, %d characters", n, len(lines), whole, total)
		}
		if n == 40 && !strings.Contains(lines[len(lines)-1], "29 more") {
			t.Errorf("the last line is %q", lines[len(lines)-1])
		}
	}
}

func TestPartsOfPodsAreRoundedAsKubernetesDoes(t *testing.T) {
	for _, c := range []struct {
		surge, unavailable string
		replicas, want     int32
	}{
		{"25%", "25%", 3, 0},
		{"25%", "25%", 4, 1},
		{"25%", "25%", 7, 1},
		{"25%", "99%", 3, 2},
		{"25%", "100%", 3, 3},
		{"0", "25%", 3, 1},
		{"0", "0%", 3, 1},
		{"0%", "25%", 1, 1},
		{"1", "0", 3, 0},
		{"0", "2", 3, 2},
		{"1", "9", 3, 3},
	} {
		surge, unavailable := intstr.Parse(c.surge), intstr.Parse(c.unavailable)
		if got := mayBeUnavailable(&surge, &unavailable, c.replicas); got != c.want {
			t.Errorf("surge %s, unavailable %s of %d: %d, want %d", c.surge, c.unavailable, c.replicas, got, c.want)
		}
	}
	if got := mayBeUnavailable(nil, nil, 8); got != 2 {
		t.Errorf("by default %d of 8", got)
	}
	for value, want := range map[string]int32{"0": 0, "1": 1, "5": 5, "0%": 0, "1%": 1, "50%": 1, "51%": 2, "67%": 3, "75%": 3, "99%": 99, "100%": math.MaxInt32} {
		most := mostNodes(intstr.Parse(value))
		if most != want {
			t.Errorf("maxUnavailable %s is enough for %d nodes, want %d", value, most, want)
		}
		for nodes := int32(1); nodes <= 200; nodes++ {
			if enough := pods(intstr.Parse(value), nodes, true) >= nodes; enough != (nodes <= most) {
				t.Errorf("maxUnavailable %s on %d nodes: enough is %v", value, nodes, enough)
			}
		}
	}
}
