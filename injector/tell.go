package injector

import (
	"fmt"
	"unicode/utf8"
)

// What the API server lets through of one answer's warnings, in characters: when
// they are more than 4096 in all, it cuts each, and drops what is still too much.
const (
	// maxWarning is what is left of a warning that is cut.
	maxWarning = 256
	// maxWarnings leaves room for the warnings of others.
	maxWarnings = 3072
	// moreRoom is for the line about what is missing.
	moreRoom = 128
)

// Warnings tells findings, one line each, so that the API server needs to cut
// none. They are whole when they fit, and otherwise cut; the last line then says
// how many are missing, if any.
func Warnings(found []Finding) []string {
	lines := make([]string, len(found))
	total := 0
	for i, f := range found {
		lines[i] = f.Message
		total += utf8.RuneCountInString(lines[i])
	}
	if total <= maxWarnings {
		return lines
	}
	total = 0
	for i, line := range lines {
		lines[i] = clip(line)
		if total += utf8.RuneCountInString(lines[i]); total > maxWarnings-moreRoom {
			return append(lines[:i:i], fmt.Sprintf(speaker+"%d more warnings are left out", len(lines)-i))
		}
	}
	return lines
}

// clip cuts a line to maxWarning characters.
func clip(line string) string {
	runes := []rune(line)
	if len(runes) <= maxWarning {
		return line
	}
	return string(runes[:maxWarning-1]) + "…"
}
