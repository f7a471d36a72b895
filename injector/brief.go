package injector

import (
	"fmt"
	"strings"
)

// Brief is the message in so many bytes at most, for where no more is kept, such
// as an Event. It is cut at the end of a fault, and says how many there are more.
func (d Decision) Brief(most int) string {
	if len(d.Message) <= most {
		return d.Message
	}
	if head, ok := strings.CutSuffix(d.Message, tell(d.Faults)); ok {
		for shown := len(d.Faults) - 1; shown > 0; shown-- {
			if brief := head + tell(d.Faults[:shown]) + more(len(d.Faults)-shown); len(brief) <= most {
				return brief
			}
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
