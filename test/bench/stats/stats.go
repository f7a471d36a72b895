// Package stats describes samples by their quantiles. A quantile is always a
// value that was measured: nearest rank, without interpolation, so that the p99
// of 100 values is the second largest.
package stats

import (
	"math"
	"slices"
	"time"
)

// Values is a sample in ascending order, in the unit of whoever made it.
type Values []float64

// Of sorts a copy of the values.
func Of(values ...float64) Values {
	return slices.Sorted(slices.Values(values))
}

// Milliseconds gives the durations in milliseconds, to the microsecond.
func Milliseconds(durations []time.Duration) Values {
	v := make([]float64, len(durations))
	for i, d := range durations {
		v[i] = float64(d.Microseconds()) / 1000
	}
	return Of(v...)
}

// Quantile is the smallest value that at least this share of the values does
// not exceed, for a share from 0 to 1; NaN for no values.
func (v Values) Quantile(share float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	rank := int(math.Ceil(share * float64(len(v))))
	return v[min(max(rank, 1), len(v))-1]
}

// Mean is the arithmetic mean; NaN for no values.
func (v Values) Mean() float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// Summary is what a table shows of a sample.
type Summary struct {
	N    int     `json:"n"`
	Mean float64 `json:"mean"`
	Min  float64 `json:"min"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	Max  float64 `json:"max"`
}

// Summary describes the values, which must be at least one.
func (v Values) Summary() Summary {
	return Summary{
		N: len(v), Mean: v.Mean(), Min: v.Quantile(0), P50: v.Quantile(0.50),
		P90: v.Quantile(0.90), P99: v.Quantile(0.99), Max: v.Quantile(1),
	}
}
