package report

import (
	"strconv"

	"github.com/leaseholder-dev/leaseholder/test/bench/stats"
)

// Load is a webhook beside many elections.
type Load struct {
	Elections int `json:"elections"`
	Pods      int `json:"pods"`
	// Create is the creation of those pods that were added, PodsPerSecond how many
	// there were, and CreateCPU what the webhook used for each, with the rights, the
	// label and all else that followed.
	Create        Sample  `json:"milliseconds"`
	PodsPerSecond float64 `json:"podsPerSecond"`
	CreateCPU     float64 `json:"milliCPUSeconds"`
	// CreatePeak is the most memory until then.
	CreatePeak float64 `json:"createPeakMiB"`
	// Pace is how many renewals a second were wanted, Renewals how many there were
	// while nothing else happened, and RestCPU how many cores the webhook used.
	Pace     int     `json:"pace"`
	Renewals float64 `json:"renewals"`
	RestCPU  float64 `json:"restCores"`
	RestMiB  float64 `json:"restMiB"`
	// StartSeconds is how long a webhook took to be ready that was started with
	// everything there, StartPeak the most memory that it had then and StartMiB the
	// memory soon after.
	StartSeconds float64 `json:"startSeconds"`
	StartPeak    float64 `json:"startPeakMiB"`
	StartMiB     float64 `json:"startMiB"`
}

// The budgets for tenThousand elections.
const (
	tenThousand  = 10_000
	loadMemory   = 256
	loadCPU      = 0.2
	mostRenewals = 1000
)

// rows are those of the table.
func (l Load) rows() []Row {
	who := strconv.Itoa(l.Elections) + " elections, " + strconv.Itoa(l.Pods) + " pods"
	one := func(what string, value float64) Row {
		return Row{What: "load: " + what, Who: who, Values: stats.Of(value).Summary()}
	}
	limited := func(what string, value, most float64) Row {
		row := one(what, value)
		if l.Elections >= tenThousand && l.Renewals <= mostRenewals {
			row = atMost(row.Values, "p50", value, most)
			row.What, row.Who = "load: "+what, who
		}
		return row
	}
	create := Row{What: "load: create a pod (ms)", Who: who, Values: l.Create.Summary}
	return []Row{
		create,
		one("pods created a second", l.PodsPerSecond),
		one("CPU of the webhook for a pod (ms)", l.CreateCPU),
		one("most memory until then (MiB)", l.CreatePeak),
		one("renewals a second", l.Renewals),
		limited("CPU of the webhook, renewals alone (cores)", l.RestCPU, loadCPU),
		limited("resident memory, renewals alone (MiB)", l.RestMiB, loadMemory),
		one("start until ready (s)", l.StartSeconds),
		limited("most memory after a start (MiB)", l.StartPeak, loadMemory),
		one("resident memory after a start (MiB)", l.StartMiB),
	}
}
