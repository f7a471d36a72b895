package config

import (
	"fmt"
	"strings"
)

// Fault is one setting with a value that is not allowed.
type Fault struct {
	Setting Setting
	Value   string
	// Allowed completes the sentence "allowed: …".
	Allowed string
}

// Faults is every fault of one set of settings.
type Faults []Fault

// Error tells all faults in terms of the environment variables.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fmt.Sprintf("%s=%q is refused, allowed: %s", fault.Setting.Variable(), fault.Value, fault.Allowed)
	}
	return strings.Join(lines, "; ")
}

// Variable is the environment variable of a setting.
func (s Setting) Variable() string {
	return "LEASEHOLDER_" + strings.ToUpper(strings.ReplaceAll(string(s), "-", "_"))
}
