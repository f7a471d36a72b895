package settings

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// Reader reads values and collects what is wrong with them.
type Reader struct{ Faults []error }

// Refuse takes note of a value that is not allowed.
func (r *Reader) Refuse(name, value, allowed string, args ...any) {
	r.Faults = append(r.Faults, fmt.Errorf("%s=%q is refused, allowed: %s", name, value, fmt.Sprintf(allowed, args...)))
}

// Required refuses an empty value, and one of white space.
func (r *Reader) Required(name, value string) string {
	if strings.TrimSpace(value) == "" {
		r.Faults = append(r.Faults, fmt.Errorf("%s must be set", name))
	}
	return value
}

// OneOf refuses every value but those allowed.
func (r *Reader) OneOf(name, value string, allowed ...string) string {
	if !slices.Contains(allowed, value) {
		r.Refuse(name, value, "%s", strings.Join(allowed, ", "))
	}
	return value
}

// Level reads one of config.LogLevels.
func (r *Reader) Level(name, value string) slog.Level {
	var l slog.Level
	if r.OneOf(name, value, config.LogLevels()...) == value {
		_ = l.UnmarshalText([]byte(value)) // the fault was told
	}
	return l
}

// Quantity reads a quantity above 0.
func (r *Reader) Quantity(name, value string) resource.Quantity {
	q, err := resource.ParseQuantity(value)
	if err != nil || q.Sign() <= 0 {
		r.Refuse(name, value, "a quantity above 0, such as 100m or 32Mi")
	}
	return q
}
