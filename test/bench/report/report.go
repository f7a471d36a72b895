// Package report says what a benchmark measured: as JSON, as a table with the
// budgets beside the values, and as a picture. It measures nothing itself.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/leaseholder-dev/leaseholder/test/bench/stats"
)

// Names of the contestants.
const (
	Leaseholder = "leaseholder"
	ClientGo    = "client-go"
	// NoWebhook is pods that no webhook is asked about, Idle a webhook that does
	// nothing.
	NoWebhook = "no-webhook"
	Idle      = "idle"
)

// Report is one run: the JSON file's schema.
type Report struct {
	// Begun is when the run began.
	Begun time.Time `json:"begun"`
	// Quick says that this was a smoke run, whose values mean nothing.
	Quick bool `json:"quick,omitempty"`
	// Machine is what it ran on.
	Machine Machine `json:"machine"`
	// Phases are the run's steps in their order.
	Phases []Phase `json:"phases"`
	// Admission is what creating pods costs; nil if it was not measured, as
	// what follows is empty if elections were not.
	Admission *Admission `json:"admission,omitempty"`
	// Grants is how long new elections wait for their rights; nil if it was not measured.
	Grants *Grants `json:"grants,omitempty"`
	// Floor is the time of a write, its watch event at another client, and that
	// client's write, in milliseconds: what no election over a Lease can beat.
	Floor Sample `json:"floor"`
	// Failovers are the changes of leader.
	Failovers []Failover `json:"failovers"`
	// Rest is what elections cost that nothing happens in.
	Rest []Rest `json:"rest"`
	// Programs are the contestants' stripped executables.
	Programs []Program `json:"programs"`
}

// Machine is what a run ran on.
type Machine struct {
	CPUs  int    `json:"cpus"`
	Model string `json:"model"`
	// System is the kernel's name and release.
	System     string `json:"system"`
	Kubernetes string `json:"kubernetes"`
	Go         string `json:"go"`
	// Store says where etcd kept its data.
	Store string `json:"store"`
	// BusyBefore is the share of the CPUs' time that other work took in the
	// seconds before the run, from 0 to 1.
	BusyBefore float64 `json:"busyBefore"`
}

// Phase is one part of a run.
type Phase struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	// Busy is the share of the CPUs' time in which they worked, for the run or
	// for anybody else, from 0 to 1.
	Busy float64 `json:"busy"`
}

// Sample is values with their summary, in the unit that its field names.
type Sample struct {
	stats.Summary
	// Values are in ascending order.
	Values stats.Values `json:"values"`
}

// SampleOf describes values.
func SampleOf(v stats.Values) Sample { return Sample{Summary: v.Summary(), Values: v} }

// Kind is how the old leader went.
type Kind string

const (
	// Graceful is by SIGTERM.
	Graceful Kind = "graceful"
	// Crash is by SIGKILL.
	Crash Kind = "crash"
)

// Timing is the three durations of an election, as Go writes them.
type Timing struct {
	LeaseDuration string `json:"leaseDuration"`
	RenewDeadline string `json:"renewDeadline"`
	RetryPeriod   string `json:"retryPeriod"`
}

// String gives the durations in the usual order.
func (t Timing) String() string { return t.LeaseDuration + "/" + t.RenewDeadline + "/" + t.RetryPeriod }

// Failover is many changes of leader of one kind.
type Failover struct {
	Kind       Kind   `json:"kind"`
	Contestant string `json:"contestant"`
	// Candidates is their number in each election.
	Candidates int `json:"candidates"`
	// Elections is how many ran side by side.
	Elections int    `json:"elections"`
	Timing    Timing `json:"timing"`
	// Total is from the signal until the new leader said so, in milliseconds.
	Total Sample `json:"totalMilliseconds"`
	// Late is what part of Total an election could have saved, in milliseconds:
	// in a crash, the time beyond the lease's end; in a graceful failover, the
	// time from when the release was seen.
	Late Sample `json:"lateMilliseconds"`
	// Conflicts are the writes that came too late, Reads the quorum reads of all
	// candidates, both counted for each takeover.
	Conflicts Sample `json:"conflicts"`
	Reads     Sample `json:"reads"`
}

// Rest is one election at rest. Of the samples, each value is one candidate.
type Rest struct {
	Contestant    string  `json:"contestant"`
	Candidates    int     `json:"candidates"`
	Timing        Timing  `json:"timing"`
	WindowSeconds float64 `json:"windowSeconds"`
	// Requests are those to the API server in a minute; a watch that stays open
	// is none.
	LeaderRequests  float64 `json:"leaderRequestsPerMinute"`
	StandbyRequests Sample  `json:"standbyRequestsPerMinute"`
	AllRequests     float64 `json:"requestsPerCandidatePerMinute"`
	// Memory is resident, in MiB.
	LeaderMemory  float64 `json:"leaderMemoryMiB"`
	StandbyMemory Sample  `json:"standbyMemoryMiB"`
	// CPU is in thousandths of one.
	LeaderCPU  float64 `json:"leaderMilliCPU"`
	StandbyCPU Sample  `json:"standbyMilliCPU"`
}

// Program is an executable, without symbols.
type Program struct {
	Contestant string `json:"contestant"`
	Bytes      int64  `json:"bytes"`
}

// Write leaves the report as JSON at the path.
func (r *Report) Write(path string) error {
	content, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	return place(path, append(content, '\n'))
}

// Read reads what Write wrote.
func Read(path string) (*Report, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	r := new(Report)
	if err := json.Unmarshal(content, r); err != nil {
		return nil, fmt.Errorf("read the report %q: %w", path, err)
	}
	return r, nil
}

// place writes a whole file, and makes its folder.
func place(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the folder of %q: %w", path, err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	return nil
}
