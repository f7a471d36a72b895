package acceptance

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
)

// invalid are the cases whose pods the API server would refuse too, with the reasons why
// they are cases. It asks the webhook first.
var invalid = map[string]string{
	"refuse/mounts-of-the-locks-secret":   "with the volume that is injected it would be valid",
	"refuse/mounts-of-our-volume":         "with the volume that is injected it would be valid",
	"refuse/no-containers":                "a pod that lacks them has its own reason",
	"refuse/ports-out-of-range":           "a container's port can be as wrong as ours",
	"refuse/two-containers-with-our-name": "the API server would say no more than that it is a duplicate",
	"refuse/unknown-keys":                 "nothing after the slash is no known key either",
}

// TestGolden creates the pod of every golden case, as a dry run and really.
func TestGolden(t *testing.T) {
	cases, err := injectortest.Cases(filepath.Join("..", "..", "injector", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	serve(t)
	for i, c := range cases {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			comments, pod, err := c.Expected()
			if err != nil {
				t.Fatal(err)
			}
			want := readExpectation(t, comments)
			name := fmt.Sprintf("%s-%d", injectortest.Namespace, i)
			p := newPlace(t, name, c.NamespaceLabels, c.Around)
			// Where nobody is asked, it is as if there were no webhook.
			other := newPlace(t, excluded+name, c.NamespaceLabels, c.Around)
			without := other.create(t.Context(), other.in(c.Pod), dryRun)
			if reason, ok := invalid[c.String()]; ok != (without.err != nil) {
				t.Errorf("the pod must be valid without the webhook, unless %q: %v", reason, without.err)
			}
			switch c.Group {
			case injectortest.Refuse:
				p.checkRefusal(t, c, want)
			case injectortest.Skip:
				same(t, "without the webhook", other.settled(t, without), p.checkCreation(t, c, want))
			default:
				got := p.checkCreation(t, c, want)
				same(t, "as its file says", p.settled(t, p.create(t.Context(), p.in(pod), dryRun)), got)
				same(t, "created once more", p.settled(t, p.create(t.Context(), p.in(again(t, got)), dryRun)), got)
			}
		})
	}
}

// expectation is what the comments of a golden file say.
type expectation struct {
	message  string
	warnings []string
}

func readExpectation(t *testing.T, comments string) expectation {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(comments, "\n"), "\n")
	if len(lines) < 2 {
		t.Fatalf("no outcome and message in: %q", comments)
	}
	want := expectation{message: strings.TrimPrefix(lines[1], "# ")}
	for _, line := range lines[2:] {
		if warning, ok := strings.CutPrefix(line, "# warning: "); ok {
			want.warnings = append(want.warnings, warning)
		}
	}
	return want
}

// checkRefusal wants the very message of the file, behind the API server's words.
func (p place) checkRefusal(t *testing.T, c injectortest.Case, want expectation) {
	t.Helper()
	for _, dry := range []bool{dryRun, forReal} {
		got := p.create(t.Context(), p.in(c.Pod), dry)
		webhook, message, denied := strings.Cut(got.message(), " denied the request: ")
		if !denied || !strings.HasSuffix(webhook, `pods.leaseholder.dev"`) || string(p.out([]byte(message))) != want.message {
			t.Errorf("dry run %v: got %q\nwant %q", dry, got.message(), want.message)
		}
	}
}

// checkCreation gives the pod that was created.
func (p place) checkCreation(t *testing.T, c injectortest.Case, want expectation) map[string]any {
	t.Helper()
	dry := p.create(t.Context(), p.in(c.Pod), dryRun)
	created := p.create(t.Context(), p.in(c.Pod), forReal)
	got := p.settled(t, created)
	same(t, "really", p.settled(t, dry), got)
	p.remove(t, created)
	for _, warning := range want.warnings {
		if !slices.Contains(created.warnings, warning) {
			t.Errorf("no warning %q in %q", warning, created.warnings)
		}
	}
	return got
}

// again is a pod that was created, as somebody creates it from a backup.
func again(t *testing.T, pod map[string]any) []byte {
	t.Helper()
	copied := unstructured.Unstructured{Object: pod}
	copied = *copied.DeepCopy()
	unstructured.RemoveNestedField(copied.Object, "status")
	if copied.GetGenerateName() == "" {
		copied.SetName("again")
	}
	raw, err := copied.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
