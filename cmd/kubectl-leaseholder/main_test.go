package main

import (
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/exit"
)

func TestExitCodes(t *testing.T) {
	refused := "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b, annotations: {leaseholder.dev/inject: 'true'}}\nspec: {containers: [{name: c, image: d}]}\n"
	for what, test := range map[string]struct {
		in   string
		args []string
		want int
	}{
		"done":            {"a: b\n", []string{"inject", "-f", "-"}, 0},
		"refused":         {refused, []string{"inject", "-f", "-"}, 2},
		"not readable":    {"a: b: c\n", []string{"inject", "-f", "-"}, 1},
		"no such flag":    {"", []string{"inject", "--what"}, 1},
		"no such command": {"", []string{"injekt"}, 1},
		"checked":         {"a: b\n", []string{"check", "-f", "-"}, 0},
		"found wrong":     {refused, []string{"check", "-f", "-"}, 2},
		"no cluster":      {"", []string{"check"}, 1},
		"no pod":          {"", []string{"explain", "deployment/a"}, 1},
	} {
		t.Run(what, func(t *testing.T) {
			var out strings.Builder
			c := command(genericiooptions.IOStreams{In: strings.NewReader(test.in), Out: &out, ErrOut: &out})
			c.SetArgs(append([]string{"--kubeconfig=/does/not/exist"}, test.args...))
			if code := exit.Code(c.ExecuteContext(t.Context())); code != test.want {
				t.Errorf("exit code %d: %s", code, &out)
			}
		})
	}
}
