package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/template"

	"github.com/leaseholder-dev/leaseholder/test/bench/stats"
)

//go:embed failover.svg.tmpl
var pictureSource string

var pictureTemplate = template.Must(template.New("failover").Parse(pictureSource))

// The picture's measures, in its own units.
const (
	axisLeft, axisRight = 236.0, 820.0
	stripTop            = 96.0
	stripHeight         = 46.0
	// panelGap is what a panel's heading takes.
	panelGap = 62.0
	// spread is how far a value's dot may stand from the strip's middle.
	spread = 13.0
)

// The axis, in milliseconds. What lies outside is drawn at its ends.
const axisFrom, axisTo = 1.0, 10_000.0

// picture is what the template is filled with.
type picture struct {
	Height, Bottom      float64
	AxisLeft, AxisRight float64
	TextRight           float64
	Panels              []panel
	Ticks               []tick
	Footer              string
}

type panel struct {
	Title, Explained string
	Y, ExplainedY    float64
	// Top and Bottom are where its grid begins and ends.
	Top, Bottom float64
	Strips      []strip
}

// strip is one contestant's values: a dot for each, and a mark at the median.
type strip struct {
	Name, Note, Class string
	Y, NameY, NoteY   float64
	Dots              string
	Median            float64
	MarkTop, MarkEnd  float64
	Numbers, Worst    string
}

type tick struct {
	X     float64
	Label string
}

// Picture draws the failovers as SVG: strips of dots over one logarithmic axis
// of time. The same report gives the same picture.
func (r *Report) Picture() ([]byte, error) {
	p := picture{AxisLeft: axisLeft, AxisRight: axisRight, TextRight: axisRight + 14}
	for ms := axisFrom; ms <= axisTo; ms *= 10 {
		p.Ticks = append(p.Ticks, tick{X: x(ms), Label: duration(ms)})
	}
	y := stripTop
	add := func(title, explained string, strips []strip) {
		panel := panel{Title: title, Explained: explained, Y: y, ExplainedY: y + 18, Top: y + 30}
		y += 30 + stripHeight/2
		for _, s := range strips {
			s.place(y)
			panel.Strips = append(panel.Strips, s)
			y += stripHeight
		}
		y -= stripHeight / 2
		panel.Bottom = y
		y += panelGap
		p.Panels = append(p.Panels, panel)
	}
	floor := newStrip("floor", "the floor", "write, watch event, write", r.Floor.Values)
	add("Graceful failover", "from SIGTERM to the leader until another candidate says that it leads",
		append([]strip{floor}, r.strips(Graceful, func(f Failover) stats.Values { return f.Total.Values })...))
	add("Crash failover", "after SIGKILL to the leader: how long after the lease's end another candidate says that it leads",
		r.strips(Crash, func(f Failover) stats.Values { return f.Late.Values }))
	p.Bottom = y - panelGap
	p.Height = p.Bottom + 36
	p.Footer = fmt.Sprintf("Each dot is one failover. Kubernetes %s, %d CPUs.", r.Machine.Kubernetes, r.Machine.CPUs)
	var b bytes.Buffer
	if err := pictureTemplate.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("draw the picture: %w", err)
	}
	return b.Bytes(), nil
}

// WritePicture leaves the picture at the path.
func (r *Report) WritePicture(path string) error {
	content, err := r.Picture()
	if err != nil {
		return err
	}
	return place(path, content)
}

// strips are those of one kind of failover, Leaseholder's first.
func (r *Report) strips(kind Kind, of func(Failover) stats.Values) []strip {
	var strips []strip
	for _, f := range r.Failovers {
		if f.Kind != kind {
			continue
		}
		name, class := "Leaseholder", "ours"
		if f.Contestant != Leaseholder {
			name, class = "client-go", "theirs"
		}
		note := fmt.Sprintf("%d candidates, %s", f.Candidates, f.Timing)
		strips = append(strips, newStrip(class, name, note, of(f)))
	}
	slices.SortStableFunc(strips, func(a, b strip) int { return strings.Compare(a.Class, b.Class) })
	return strips
}

// newStrip has no place yet: place gives it one.
func newStrip(class, name, note string, values stats.Values) strip {
	var dots strings.Builder
	for i, v := range values {
		// Relative moves of no length, which a round cap makes a dot. Steps of the
		// golden ratio spread neighbours evenly, and always the same way.
		const golden = 0.6180339887
		_, part := math.Modf(float64(i) * golden)
		fmt.Fprintf(&dots, "M%.1f %.1fh0", x(v), (2*part-1)*spread)
	}
	return strip{
		Name: name, Note: note, Class: class, Dots: dots.String(), Median: x(values.Quantile(0.5)),
		Numbers: "p50 " + duration(values.Quantile(0.5)),
		Worst:   "p99 " + duration(values.Quantile(0.99)),
	}
}

func (s *strip) place(y float64) {
	s.Y, s.NameY, s.NoteY = y, y-2, y+13
	s.MarkTop, s.MarkEnd = y-spread-4, y+spread+4
}

// x is where a time in milliseconds stands.
func x(ms float64) float64 {
	share := math.Log(min(max(ms, axisFrom), axisTo)/axisFrom) / math.Log(axisTo/axisFrom)
	return axisLeft + share*(axisRight-axisLeft)
}

// duration shows milliseconds as people say them.
func duration(ms float64) string {
	const second = 1000
	if ms >= second {
		return strings.TrimSuffix(fmt.Sprintf("%.1f", ms/second), ".0") + " s"
	}
	if ms >= 10 {
		ms = math.Round(ms)
	} else {
		ms = math.Round(ms*10) / 10
	}
	if ms == math.Trunc(ms) {
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f ms", ms)
}
