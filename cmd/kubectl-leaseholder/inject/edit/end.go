package edit

import (
	"bytes"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// implicit says that a node has no text at all.
func implicit(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Tag == "!!null" && n.Anchor == ""
}

// end is the offset behind the last character of a node.
func (d *document) end(at place) (int, error) {
	n := at.node
	if implicit(n) {
		return d.colon(at)
	}
	start := d.offset(n)
	switch {
	case n.Kind == yaml.AliasNode:
		return d.until(start+1, " \t\r\n,[]{}"), nil
	case n.Style&yaml.FlowStyle != 0:
		return d.bracketEnd(start)
	case n.Kind != yaml.ScalarNode:
		if len(n.Content) == 0 {
			return 0, errPlace
		}
		last := len(n.Content) - 1
		if n.Kind == yaml.MappingNode {
			return d.end(d.pair(at, last-1))
		}
		return d.end(d.item(at, last))
	}
	// An anchor and a tag stand before the value.
	for start < len(d.text) && (d.text[start] == '&' || d.text[start] == '!') {
		start = d.until(start, " \t\r\n,[]{}")
		start += len(d.text[start:]) - len(bytes.TrimLeft(d.text[start:], " \t\r\n"))
	}
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return d.blockScalarEnd(start, at.indent), nil
	case start < len(d.text) && (d.text[start] == '"' || d.text[start] == '\''):
		return d.quotedEnd(start)
	case at.flow:
		return d.plainFlowEnd(start), nil
	default:
		return d.plainEnd(start, at.indent, n.Value), nil
	}
}

// colon is the offset behind the colon of a value's key.
func (d *document) colon(at place) (int, error) {
	if at.key == nil {
		return 0, errPlace
	}
	end, err := d.end(place{node: at.key, indent: at.indent, flow: at.flow})
	if err != nil {
		return 0, err
	}
	for end < len(d.text) && (d.text[end] == ' ' || d.text[end] == '\t') {
		end++
	}
	if end == len(d.text) || d.text[end] != ':' {
		return 0, errPlace
	}
	return end + 1, nil
}

// until is the offset of the first of some characters, or of the end.
func (d *document) until(from int, chars string) int {
	if i := bytes.IndexAny(d.text[from:], chars); i >= 0 {
		return from + i
	}
	return len(d.text)
}

// quotedEnd is behind the quote that ends what begins at start.
func (d *document) quotedEnd(start int) (int, error) {
	quote := d.text[start]
	for i := start + 1; i < len(d.text); i++ {
		switch {
		case quote == '"' && d.text[i] == '\\':
			i++
		case d.text[i] != quote:
		case quote == '\'' && i+1 < len(d.text) && d.text[i+1] == quote:
			i++
		default:
			return i + 1, nil
		}
	}
	return 0, errPlace
}

// bracketEnd is behind the bracket that ends what begins at start, or behind an
// anchor at start.
func (d *document) bracketEnd(start int) (int, error) {
	depth := 0
	for i := d.until(start, "[{"); i < len(d.text); i++ {
		switch c := d.text[i]; c {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
			if depth == 0 {
				return i + 1, nil
			}
		case '"', '\'':
			if !strings.ContainsRune(" \t\r\n,[{:", rune(d.text[i-1])) {
				continue // inside a plain word
			}
			end, err := d.quotedEnd(i)
			if err != nil {
				return 0, err
			}
			i = end - 1
		case '#':
			if strings.ContainsRune(" \t\r\n", rune(d.text[i-1])) {
				i = d.until(i, "\r\n")
			}
		}
	}
	return 0, errPlace
}

// plainFlowEnd is the end of a word between brackets.
func (d *document) plainFlowEnd(start int) int {
	i := start
	for ; i < len(d.text); i++ {
		c := d.text[i]
		if strings.ContainsRune(",[]{}", rune(c)) {
			break
		}
		if c == ':' && (i+1 == len(d.text) || strings.ContainsRune(" \t\r\n,[]{}", rune(d.text[i+1]))) {
			break
		}
		if c == '#' && i > start && strings.ContainsRune(" \t\r\n", rune(d.text[i-1])) {
			break
		}
	}
	return start + len(bytes.TrimRight(d.text[start:i], " \t\r\n"))
}

// plainEnd is the end of words without quotes or brackets, which can go on in
// lines that are indented further.
func (d *document) plainEnd(start, indent int, value string) int {
	line := d.line(start)
	end, commented := d.plainLineEnd(start)
	if commented || string(d.text[start:end]) == value {
		return end
	}
	for next := line + 1; next < len(d.starts); next++ {
		switch at := d.indentOf(next); {
		case at < 0:
			continue
		case at <= indent || d.comment(next):
			return end
		}
		if end, commented = d.plainLineEnd(d.starts[next]); commented {
			return end
		}
	}
	return end
}

// plainLineEnd is the end of words in one line, and says whether a comment follows.
func (d *document) plainLineEnd(start int) (end int, commented bool) {
	content := d.content(d.line(start))
	content = content[start-d.starts[d.line(start)]:]
	for i := range content {
		blank := i+1 == len(content) || content[i+1] == ' ' || content[i+1] == '\t'
		if content[i] == ':' && blank {
			return start + i, true // the end of a key
		}
		if content[i] == '#' && i > 0 && (content[i-1] == ' ' || content[i-1] == '\t') {
			return start + len(bytes.TrimRight(content[:i], " \t")), true
		}
	}
	return start + len(bytes.TrimRight(content, " \t")), false
}

// blockScalarEnd is behind the last line with text of what "|" or ">" begins; with
// "+" the empty lines that follow are part of it.
func (d *document) blockScalarEnd(start, indent int) int {
	line := d.line(start)
	header := d.content(line)[start-d.starts[line]:]
	header = header[:len(header)-len(bytes.TrimLeft(header, "|>+-0123456789"))]
	keep := bytes.ContainsRune(header, '+')
	end, within := d.starts[line]+len(d.content(line)), -1
	if at := bytes.IndexAny(header, "123456789"); at >= 0 {
		within = max(indent, 0) + int(header[at]-'0')
	}
	for next := line + 1; next < len(d.starts); next++ {
		at := d.indentOf(next)
		switch {
		case at < 0:
			if keep && next+1 < len(d.starts) {
				end = d.starts[next+1] // with its end, which is all that it has
			}
			continue
		case within < 0 && at > indent:
			within = at
		}
		if at < within || within < 0 {
			break
		}
		end = d.starts[next] + len(d.content(next))
	}
	return end
}
