package footprint

import (
	"net/url"
	"strings"
)

// packageOf is the import path of the package that a symbol of a Go program
// belongs to, and empty for one that belongs to none: what the linker makes, and
// labels inside of assembly.
func packageOf(symbol string) string {
	for _, made := range []string{"type:.eq.", "type:.hash."} {
		symbol = strings.TrimPrefix(symbol, made)
	}
	if strings.Contains(symbol, ":") && !strings.Contains(strings.SplitN(symbol, ":", 2)[0], ".") {
		return "" // the linker's own, such as tables of interfaces
	}
	symbol, _, _ = strings.Cut(symbol, "[") // of a generic function, its own package
	slash := strings.LastIndex(symbol, "/") + 1
	name, _, found := strings.Cut(symbol[slash:], ".")
	if !found || name == "" {
		return ""
	}
	// The linker writes a dot in a path's last part as %2e.
	path, err := url.PathUnescape(symbol[:slash] + name)
	if err != nil || strings.ContainsAny(path, " {") {
		return "" // of a type without a name
	}
	return path
}
