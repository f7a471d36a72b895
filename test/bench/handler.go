package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/leaseholder-dev/leaseholder/test/bench/report"
	"github.com/leaseholder-dev/leaseholder/test/bench/stats"
	"github.com/leaseholder-dev/leaseholder/test/contender"
)

// handlers runs the handler's own benchmark, with go's tool.
func handlers(ctx context.Context, a admissions) ([]report.Handler, error) {
	root, err := contender.Root(ctx)
	if err != nil {
		return nil, err
	}
	printed, err := contender.GoTool(ctx, filepath.Join(root, "webhook"), "test", "-run", "^$", "-bench", "^"+handlerBenchmark+"$",
		"-benchtime", a.handlerTime, "-count", a.handlerCount, ".")
	if err != nil {
		return nil, err
	}
	return parseHandlers(printed)
}

const handlerBenchmark = "BenchmarkAdmission"

// parseHandlers reads what go prints: a line for each run, with the benchmark's
// name and the CPUs, and pairs of a value and its unit.
func parseHandlers(printed string) ([]report.Handler, error) {
	var order []string
	all := map[string]*report.Handler{}
	took := map[string][]float64{}
	for line := range strings.Lines(printed) {
		fields := strings.Fields(line)
		if len(fields) == 0 || !strings.HasPrefix(fields[0], handlerBenchmark+"/") {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(fields[0], handlerBenchmark+"/"), "-")
		pod, what, ok := strings.Cut(name, "/")
		if !ok || len(fields)%2 != 0 {
			return nil, fmt.Errorf("read the benchmark's line %q", line)
		}
		if all[name] == nil {
			order = append(order, name)
			all[name] = &report.Handler{Pod: pod, What: what}
		}
		for i := 2; i < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("read the benchmark's line %q: %w", line, err)
			}
			const thousand = 1000
			switch fields[i+1] {
			case "ns/op":
				took[name] = append(took[name], value/thousand)
			case "allocs/op":
				all[name].Allocations = value
			case "B/op":
				all[name].Bytes = value
			}
		}
	}
	if len(order) == 0 {
		return nil, fmt.Errorf("read the benchmark: it printed %q", printed)
	}
	var handlers []report.Handler
	for _, name := range order {
		all[name].Took = report.SampleOf(stats.Of(took[name]...))
		handlers = append(handlers, *all[name])
	}
	return handlers, nil
}
