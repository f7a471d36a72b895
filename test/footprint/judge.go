package footprint

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Judge gives an error for every program that is over the budget, with its size,
// the budget, and the biggest parts.
func (r *Report) Judge() error {
	const named = 5
	var over []string
	for _, p := range r.Programs {
		if p.Size > Budget {
			over = append(over, fmt.Sprintf("for %s it takes %d bytes, %d more than the budget of %d", p.Name, p.Size, p.Size-Budget, Budget))
		}
	}
	if len(over) == 0 {
		return nil
	}
	biggest := slices.SortedFunc(slices.Values(r.Parts), func(a, b Part) int { return cmp.Compare(b.Size, a.Size) })
	var names []string
	for _, p := range biggest[:min(named, len(biggest))] {
		names = append(names, fmt.Sprintf("%s %s", p.Name, megabytes(p.Size)))
	}
	return fmt.Errorf("the sidecar is too large: %s; its biggest parts: %s", strings.Join(over, "; "), strings.Join(names, ", "))
}

// tolerance is by how much a document's sizes may be off, in megabytes: a rounded
// one and a little growth. What grows further is to be seen.
const tolerance = 0.15

var (
	sizes    = regexp.MustCompile(`\d+\.\d+ MB`)
	versions = regexp.MustCompile(`Go \d+\.\d+`)
)

// Stale says in which ways a document that Write wrote before no longer tells
// what was measured: nothing if its text is the same, but for the version of Go,
// and no size is off by more than the tolerance.
func (r *Report) Stale(document string) []string {
	var stale []string
	was, is := strings.Split(document, "\n"), strings.Split(r.Document(), "\n")
	for i := range max(len(was), len(is)) {
		a, b := line(was, i), line(is, i)
		if frame(a) != frame(b) {
			return append(stale, fmt.Sprintf("line %d says %q, and should say %q", i+1, a, b))
		}
		before, now := sizes.FindAllString(a, -1), sizes.FindAllString(b, -1)
		for k := range now {
			if d := number(now[k]) - number(before[k]); math.Abs(d) > tolerance {
				stale = append(stale, fmt.Sprintf("line %d, %q: %s became %s (%+.1f MB)", i+1, b, before[k], now[k], d))
			}
		}
	}
	return stale
}

// frame is a line without its sizes.
func frame(l string) string { return versions.ReplaceAllString(sizes.ReplaceAllString(l, "MB"), "Go") }

func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

func number(size string) float64 {
	n, err := strconv.ParseFloat(strings.TrimSuffix(size, " MB"), 64)
	if err != nil {
		return math.NaN() // which the pattern excludes
	}
	return n
}
