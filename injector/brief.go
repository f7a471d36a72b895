package injector

import (
	"fmt"
	"sort"
	"strings"
)

// Brief is the message in so many bytes at most, for where no more is kept, such
// as an Event. It is cut at the end of a fault, and says how many there are more.
func (d Decision) Brief(most int) string {
	if len(d.Message) <= most {
		return d.Message
	}
	if head, ok := strings.CutSuffix(d.Message, tell(d.Faults)); ok {
		brief := func(shown int) string { return head + tellAll(d.Faults[:shown]) + more(len(d.Faults)-shown) }
		// The first number of faults that is too much; with each, it gets longer.
		tooMany := 1 + sort.Search(min(len(d.Faults), maxTold), func(i int) bool { return len(brief(i+1)) > most })
		if tooMany > 1 {
			return brief(tooMany - 1)
		}
	}
	end := "…" + more(len(d.Faults)-1)
	if len(end) > most {
		return ""
	}
	return strings.ToValidUTF8(d.Message[:most-len(end)], "") + end
}

// more tells of faults that are not told.
func more(faults int) string {
	switch {
	case faults <= 0:
		return ""
	case faults == 1:
		return "; and 1 more fault"
	default:
		return fmt.Sprintf("; and %d more faults", faults)
	}
}
