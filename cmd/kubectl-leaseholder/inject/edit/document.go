package edit

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v3"
)

// document is a text with what it says.
type document struct {
	text []byte
	root *yaml.Node
	// starts are the offsets of the lines.
	starts  []int
	newline string
	style   style
}

// place is a node with what its text depends on.
type place struct {
	node *yaml.Node
	// key is the node's own in a mapping, nil elsewhere.
	key *yaml.Node
	// indent is that of the collection around it, -1 at the root.
	indent int
	// flow says that the collection around it is written in brackets.
	flow bool
}

func parse(text []byte) (*document, error) {
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	if node.Kind != yaml.DocumentNode || len(node.Content) != 1 {
		return nil, errPlace
	}
	d := &document{text: text, root: node.Content[0], newline: "\n"}
	d.starts = lineStarts(text)
	if end := bytes.IndexByte(text, '\n'); end > 0 && text[end-1] == '\r' {
		d.newline = "\r\n"
	}
	d.style = d.findStyle()
	return d, nil
}

// breaks are all that YAML 1.1 takes for the end of a line, the longest first.
var breaks = [][]byte{[]byte("\r\n"), []byte("\n"), []byte("\r"), []byte("\u0085"), []byte("\u2028"), []byte("\u2029")}

func lineStarts(text []byte) []int {
	starts := []int{0}
	for at := 0; at < len(text); {
		size := 1
		for _, b := range breaks {
			if bytes.HasPrefix(text[at:], b) {
				size = len(b)
				starts = append(starts, at+size)
				break
			}
		}
		at += size
	}
	return starts
}

// offset is where a node begins. Its column counts characters.
func (d *document) offset(n *yaml.Node) int {
	at := d.starts[min(n.Line, len(d.starts))-1]
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(d.text[at:])
		at += size
	}
	return at
}

// line is the index of the line that an offset is in.
func (d *document) line(offset int) int {
	line, found := slices.BinarySearch(d.starts, offset)
	if !found {
		line--
	}
	return line
}

// content is a line without its end.
func (d *document) content(line int) []byte {
	end := len(d.text)
	if line+1 < len(d.starts) {
		end = d.starts[line+1]
	}
	return bytes.TrimRight(d.text[d.starts[line]:end], "\r\n\u0085\u2028\u2029")
}

// indentOf is by how many spaces a line is indented, -1 for one with nothing else.
func (d *document) indentOf(line int) int {
	content := d.content(line)
	trimmed := bytes.TrimLeft(content, " ")
	if len(bytes.TrimSpace(trimmed)) == 0 {
		return -1
	}
	return len(content) - len(trimmed)
}

// comment says whether a line has a comment alone.
func (d *document) comment(line int) bool {
	return bytes.HasPrefix(bytes.TrimLeft(d.content(line), " \t"), []byte("#"))
}

// inner is what stands around the children of a collection.
func (d *document) inner(at place) (indent int, flow bool) {
	n := at.node
	if at.flow || n.Style&yaml.FlowStyle != 0 {
		return at.indent, true
	}
	if len(n.Content) == 0 {
		return at.indent, false
	}
	// An anchor or a tag can stand before a collection, so that its own column
	// says nothing.
	first := n.Content[0]
	if n.Kind == yaml.MappingNode {
		return first.Column - 1, false
	}
	if _, column, ok := d.dash(first); ok {
		return column, false
	}
	return n.Column - 1, false
}

// dash is where the dash of a block's item stands: before the item, or at the end
// of a line above it.
func (d *document) dash(item *yaml.Node) (line, column int, ok bool) {
	line = item.Line - 1
	before := []rune(string(d.content(line)))
	before = before[:min(len(before), item.Column-1)]
	for line > 0 && strings.TrimSpace(string(before)) == "" {
		line--
		content := string(d.content(line))
		if at := strings.Index(content, "#"); at >= 0 {
			content = content[:at]
		}
		before = []rune(content)
	}
	for i, c := range slices.Backward(before) {
		if c == '-' {
			return line, i, true
		}
		if c != ' ' {
			break
		}
	}
	return 0, 0, false
}

// pair is the place of the value whose key is the mapping's i-th node.
func (d *document) pair(at place, i int) place {
	indent, flow := d.inner(at)
	return place{node: at.node.Content[i+1], key: at.node.Content[i], indent: indent, flow: flow}
}

func (d *document) item(at place, i int) place {
	indent, flow := d.inner(at)
	return place{node: at.node.Content[i], indent: indent, flow: flow}
}

// walk calls f for every node below a place, and for itself.
func (d *document) walk(at place, f func(place)) {
	f(at)
	switch at.node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(at.node.Content); i += 2 {
			d.walk(d.pair(at, i), f)
		}
	case yaml.SequenceNode:
		for i := range at.node.Content {
			d.walk(d.item(at, i), f)
		}
	default: // has nothing below it
	}
}

// index reads a token as an index up to last.
func index(token string, last int) (int, bool) {
	i, err := strconv.Atoi(token)
	return i, err == nil && i >= 0 && i <= last
}
