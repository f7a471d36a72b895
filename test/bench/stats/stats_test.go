package stats

import (
	"math"
	"slices"
	"testing"
	"time"
)

// upTo is 1 to n, from the largest down.
func upTo(n int) Values {
	var v []float64
	for i := n; i > 0; i-- {
		v = append(v, float64(i))
	}
	return Of(v...)
}

func TestQuantile(t *testing.T) {
	tests := map[string]struct {
		values Values
		share  float64
		want   float64
	}{
		"the p99 of 100 values is the second largest": {upTo(100), 0.99, 99},
		"the p99 of 200 values is the third largest":  {upTo(200), 0.99, 198},
		"the p99 of few values is the largest":        {upTo(10), 0.99, 10},
		"the median of an odd number is the middle":   {upTo(5), 0.5, 3},
		"the median of an even number is the lower":   {upTo(4), 0.5, 2},
		"the share 0 is the smallest":                 {upTo(7), 0, 1},
		"the share 1 is the largest":                  {upTo(7), 1, 7},
		"one value is every quantile":                 {Of(4.5), 0.9, 4.5},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.values.Quantile(test.share); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	if got := Of().Quantile(0.5); !math.IsNaN(got) {
		t.Errorf("a quantile of nothing is %v", got)
	}
}

func TestSummary(t *testing.T) {
	want := Summary{N: 100, Mean: 50.5, Min: 1, P50: 50, P90: 90, P99: 99, Max: 100}
	if got := upTo(100).Summary(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestMillisecondsAreSortedAndKeepTheirSign(t *testing.T) {
	got := Milliseconds([]time.Duration{2 * time.Second, -1500 * time.Microsecond, 7 * time.Microsecond})
	if want := (Values{-1.5, 0.007, 2000}); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestOfLeavesItsArgumentsAlone(t *testing.T) {
	values := []float64{3, 1, 2}
	Of(values...)
	if !slices.Equal(values, []float64{3, 1, 2}) {
		t.Errorf("they became %v", values)
	}
}
