package contender

import "bytes"

// lines is a writer that passes on whole lines, without their ends.
type lines struct {
	line    func([]byte)
	partial []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.partial = append(l.partial, p...)
	for {
		line, rest, found := bytes.Cut(l.partial, []byte{'\n'})
		if !found {
			return len(p), nil
		}
		l.line(line)
		l.partial = rest
	}
}
