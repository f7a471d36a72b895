package injectortest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// WorkloadCase is a workload and what is said when it is applied. It is a file
// testdata/workload/NAME.yaml, where a Namespace whose labels count and
// PodDisruptionBudgets can stand before the workload. Beside it stands NAME.txt
// with a line "REASON: WARNING" for each finding.
type WorkloadCase struct {
	Name string
	// NamespaceLabels are those of the workload's namespace.
	NamespaceLabels map[string]string
	// Budgets are those of its namespace.
	Budgets []policyv1.PodDisruptionBudget
	// Object is the workload, as JSON.
	Object []byte
	// Out is the path of the file with what is said.
	Out string
}

// Warnings gives what a case's Out says is said, without the reasons.
func (c WorkloadCase) Warnings() ([]string, error) {
	raw, err := os.ReadFile(c.Out)
	if err != nil {
		return nil, err
	}
	var all []string
	for line := range strings.Lines(string(raw)) {
		_, warning, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if !ok {
			return nil, fmt.Errorf("%s: %q has no reason", c.Out, line)
		}
		all = append(all, warning)
	}
	return all, nil
}

// WorkloadCases reads all cases below a folder, package injector's testdata. The
// error also tells of files that belong to no case.
func WorkloadCases(testdata string) ([]WorkloadCase, error) {
	files, err := filepath.Glob(filepath.Join(testdata, "workload", "*"))
	if err != nil {
		return nil, err
	}
	const in, out = ".yaml", ".txt"
	var cases []WorkloadCase
	known := map[string]bool{}
	for _, file := range files {
		path, ok := strings.CutSuffix(file, in)
		if !ok {
			continue
		}
		c, err := readWorkload(file)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		c.Name, c.Out = filepath.Base(path), path+out
		known[file], known[c.Out] = true, true
		cases = append(cases, c)
	}
	var strays []error
	for _, file := range files {
		if !known[file] {
			strays = append(strays, fmt.Errorf("%s belongs to no case", file))
		}
	}
	if len(cases) == 0 {
		strays = append(strays, fmt.Errorf("there is no workload below %s", testdata))
	}
	return cases, errors.Join(strays...)
}

func readWorkload(in string) (WorkloadCase, error) {
	var c WorkloadCase
	err := eachDocument(in, func(raw json.RawMessage, object *metav1.PartialObjectMetadata) error {
		switch object.Kind {
		case "Namespace":
			c.NamespaceLabels = object.Labels
		case "PodDisruptionBudget":
			var b policyv1.PodDisruptionBudget
			if err := json.Unmarshal(raw, &b); err != nil {
				return err
			}
			c.Budgets = append(c.Budgets, b)
		default:
			c.Object = raw
		}
		return nil
	})
	if err == nil && c.Object == nil {
		err = errors.New("there is no workload")
	}
	return c, err
}
