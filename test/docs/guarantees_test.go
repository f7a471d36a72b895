// Package docs holds the documents' numbers to the code that they are about.
package docs

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// root is the root module's folder.
const root = "../.."

func read(t *testing.T, document string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(document)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// table gives the cells of the table that a document marks with a name, without
// its head.
func table(t *testing.T, document, name string) [][]string {
	t.Helper()
	_, text, found := strings.Cut(document, "<!-- "+name+" -->\n")
	text, _, ended := strings.Cut(text, "<!-- /"+name+" -->")
	if !found || !ended {
		t.Fatalf("there is no table %q", name)
	}
	const head = 2
	var rows [][]string
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		var cells []string
		for c := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.TrimSpace(c))
		}
		rows = append(rows, cells)
	}
	if len(rows) <= head {
		t.Fatalf("the table %q is empty", name)
	}
	return rows[head:]
}

// timing reads a row's first three cells. The code must accept them.
func timing(t *testing.T, row []string) config.Timing {
	t.Helper()
	var d [3]time.Duration
	for i := range d {
		var err error
		if d[i], err = time.ParseDuration(row[i]); err != nil {
			t.Fatal(err)
		}
	}
	timing := config.Timing{LeaseDuration: d[0], RenewDeadline: d[1], RetryPeriod: d[2]}
	if faults := timing.Faults(); len(faults) > 0 {
		t.Errorf("%v: %v", row[:len(d)], faults)
	}
	return timing
}

// down is a number with two digits after the point, rounded down: a margin must
// not be told larger than it is.
func down(x float64) string {
	const hundredth = 100
	// What is whole in hundredths may be a little less in binary.
	return fmt.Sprintf("%.2f", math.Floor(x*hundredth+1e-6)/hundredth)
}

// left is how long an application may act after its validity.
func left(t config.Timing, rate float64) string {
	s := t.LeaseDuration.Seconds()/rate - t.RenewDeadline.Seconds()
	if s < 0 {
		return "none"
	}
	return down(s)
}

func TestMargins(t *testing.T) {
	rows := table(t, read(t, "docs/guarantees.md"), "margins")
	for i, row := range rows {
		is := timing(t, row)
		if i == 0 && is != config.DefaultTiming() {
			t.Errorf("the first row is %v, and the default is %v", is, config.DefaultTiming())
		}
		want := append(append([]string{}, row[:3]...),
			fmt.Sprintf("%.2f", is.Attempt().Seconds()),
			left(is, 1.001), left(is, 1.05), left(is, 1.2235),
			down(is.LeaseDuration.Seconds()/is.RenewDeadline.Seconds()))
		if strings.Join(row, " | ") != strings.Join(want, " | ") {
			t.Errorf("it says\n%v, and should say\n%v", row, want)
		}
	}
}

func TestTheTightestRowIsTheTightest(t *testing.T) {
	rows := table(t, read(t, "docs/guarantees.md"), "margins")
	is := timing(t, rows[len(rows)-1])
	is.RenewDeadline += 5 * time.Millisecond
	if len(is.Faults()) == 0 {
		t.Errorf("%v is accepted too", is)
	}
}

func TestCosts(t *testing.T) {
	spread := constant(t, "sidecar/election/take.go", "shortestSpread")
	for _, row := range table(t, read(t, "docs/guarantees.md"), "costs") {
		is := timing(t, row)
		want := append(append([]string{}, row[:3]...),
			fmt.Sprintf("%.1f", time.Minute.Seconds()/is.RetryPeriod.Seconds()),
			down((is.RenewDeadline - is.RetryPeriod - is.Attempt()).Seconds()),
			fmt.Sprintf("%.2f to %.2f", (is.LeaseDuration-is.RetryPeriod).Seconds(), (is.LeaseDuration+spread).Seconds()))
		if strings.Join(row, " | ") != strings.Join(want, " | ") {
			t.Errorf("it says\n%v, and should say\n%v", row, want)
		}
	}
}

// constant reads a duration in milliseconds from a source: it is
// private to the code, and told in the documents.
func constant(t *testing.T, source, name string) time.Duration {
	t.Helper()
	found := regexp.MustCompile(name + ` += (\d+) \* time\.Millisecond`).FindStringSubmatch(read(t, source))
	if found == nil {
		t.Fatalf("%s has no constant %s in milliseconds", source, name)
	}
	d, err := time.ParseDuration(found[1] + "ms")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestNumbersInSentences(t *testing.T) {
	d := config.DefaultTiming()
	seconds := func(s time.Duration) string { return fmt.Sprintf("%g s", s.Seconds()) }
	spread := constant(t, "sidecar/election/take.go", "shortestSpread")
	backoff := constant(t, "sidecar/election/request.go", "lastBackoff")
	// client-go's defaults, which ours are the same as.
	client := d
	document := strings.Join(strings.Fields(read(t, "docs/guarantees.md")), " ")
	for _, want := range []string{
		"duration and one second more (" + seconds(client.LeaseDuration+time.Second) + " at its defaults)",
		"after its last write: " + seconds(client.RetryPeriod+client.RenewDeadline) + " at its defaults",
		"which " + seconds(client.LeaseDuration+time.Second) + " cover",
		"for another renew deadline, " + seconds(client.RetryPeriod+2*client.RenewDeadline),
		"the others give it P / 2 (" + seconds(d.RetryPeriod/2) + ") first",
		"up to " + seconds(spread) + " the next time, twice",
		"spread of up to " + seconds(spread) + " among the candidates (up to " + seconds(4*spread) + " for one",
		"and up to " + seconds(backoff) + " for its next attempt | " + fmt.Sprintf("%g to %s", d.RenewDeadline.Seconds(), seconds(d.LeaseDuration)),
		fmt.Sprintf("| %g to %s | | … and the successor", (d.LeaseDuration - d.RetryPeriod).Seconds(), seconds(d.LeaseDuration)),
		"2 P + L more | " + seconds(2*d.RetryPeriod) + " more",
		"false within " + seconds(d.RenewDeadline) + " |",
		"same term | up to " + seconds((d.RenewDeadline - d.RetryPeriod - d.Attempt()).Truncate(time.Second)) + " |",
	} {
		if !strings.Contains(document, want) {
			t.Errorf("docs/guarantees.md does not say %q", want)
		}
	}
}

// TestWhatIsAcceptedKeepsThePromise tries the rule that the document gives for S
// = 0 on everything that the code accepts.
func TestWhatIsAcceptedKeepsThePromise(t *testing.T) {
	for d := time.Second; d <= 20*time.Second; d += time.Second {
		for v := time.Second; v <= d; v += 50 * time.Millisecond {
			is := config.Timing{LeaseDuration: d, RenewDeadline: v, RetryPeriod: time.Second}
			enough := v >= is.RetryPeriod+300*time.Millisecond
			if accepted := len(is.Faults()) == 0; accepted != (enough && left(is, 1.05) != "none") {
				t.Errorf("%v: accepted %v", is, accepted)
			}
		}
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// anchors are what links to a document's headings end with.
func anchors(document string) map[string]bool {
	all := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(document, -1) {
		name := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(h[1]), "")
		all[strings.ReplaceAll(name, " ", "-")] = true
	}
	return all
}

func TestLinksLeadSomewhere(t *testing.T) {
	for _, from := range []string{"docs/guarantees.md", "docs/footprint.md", "docs/locks.md", "docs/adding-a-lock.md", "docs/multi-cluster.md", "docs/migrate-from-leader-elector.md", "examples/fencing/README.md"} {
		for _, l := range link.FindAllStringSubmatch(read(t, from), -1) {
			target, anchor, _ := strings.Cut(l[1], "#")
			to := from
			if target != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(from), target))
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(to))); err != nil {
				t.Errorf("%s: %v", from, err)
			} else if anchor != "" && !anchors(read(t, to))[anchor] {
				t.Errorf("%s: there is no heading for %s", from, l[1])
			}
		}
	}
}
