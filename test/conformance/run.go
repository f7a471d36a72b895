package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/locktest"
)

// Run runs the suite for every backend of the repository. What the tests print goes to
// log. That a backend fails is no error, but a row of the table.
func Run(ctx context.Context, repository string, log io.Writer) (Table, error) {
	backends, err := Backends(repository)
	if err != nil {
		return Table{}, err
	}
	t := Table{Promises: locktest.Promises(), Backends: Names(backends), results: map[cell]string{}}
	for _, b := range backends {
		if err := t.run(ctx, repository, b, log); err != nil {
			return Table{}, err
		}
	}
	return t, nil
}

func (t *Table) run(ctx context.Context, repository string, b Backend, log io.Writer) error {
	c := exec.CommandContext(ctx, "go", "test", "-json", "-count=1", "-run", "^"+test+"$", b.Package)
	c.Dir = filepath.Join(repository, b.Module)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	if failed := new(exec.ExitError); err != nil && !errors.As(err, &failed) {
		return fmt.Errorf("test %s: %w", b.Package, err)
	}
	_, _ = io.Copy(log, &stderr)
	return t.take(b.Name, &stdout, log, err != nil)
}

// take takes in one run of go test, and whether that failed. Where it did although no
// promise failed, such as for a server that could not be started, all count as failed, and
// what a run says nothing of was not tried: that another run of the same backend, against
// a model, passes does not make up for it.
func (t *Table) take(backend string, events io.Reader, log io.Writer, failed bool) error {
	results, err := read(events, log)
	if err != nil {
		return fmt.Errorf("read what go test says of %s: %w", backend, err)
	}
	for _, result := range results {
		failed = failed && result != fail // which says why
	}
	for _, promise := range t.Promises {
		switch result := results[promise]; {
		case failed:
			t.enter(cell{promise, backend}, fail)
		case result == "":
			t.enter(cell{promise, backend}, untried)
		default:
			t.enter(cell{promise, backend}, result)
		}
	}
	return nil
}

// read gives what the events of go test say of each promise.
func read(events io.Reader, log io.Writer) (map[string]string, error) {
	results := map[string]string{}
	decoder := json.NewDecoder(events)
	for {
		var e struct {
			Action string `json:"Action"`
			Test   string `json:"Test"`
			Output string `json:"Output"`
		}
		switch err := decoder.Decode(&e); {
		case errors.Is(err, io.EOF):
			return results, nil
		case err != nil:
			return nil, err //nolint:wrapcheck // take says of what
		}
		_, _ = io.WriteString(log, e.Output)
		promise, isOne := strings.CutPrefix(e.Test, test+"/")
		if isOne && (e.Action == pass || e.Action == fail || e.Action == "skip") {
			// The names of tests have no spaces, those of promises no underscores.
			results[strings.ReplaceAll(promise, "_", " ")] = e.Action
		}
	}
}

// enter notes a result. Where a backend runs the suite more than once, none may fail.
func (t *Table) enter(c cell, result string) {
	if before := t.results[c]; before == "" || before == pass {
		t.results[c] = result
	}
}
