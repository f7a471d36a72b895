package edit

import (
	"bytes"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// insertKey puts a pair behind the last of a mapping, which does not have the key.
func (d *document) insertKey(at place, key string, value *yaml.Node) (splice, error) {
	n := at.node
	pair := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{text(key), value}}
	if len(n.Content) == 0 {
		return d.replace(at, pair)
	}
	indent, flow := d.inner(at)
	if flow {
		return d.insertFlow(at, d.pair(at, len(n.Content)-2), func(prefix string, spread bool) string {
			return strings.TrimSpace(d.style.flowPair(pair, prefix, spread))
		})
	}
	return d.insertLines(d.pair(at, len(n.Content)-2), indent, d.style.block(pair, indent))
}

// insertItem puts an item before the one at an index, or behind the last.
func (d *document) insertItem(at place, token string, value *yaml.Node) (splice, error) {
	n := at.node
	i := len(n.Content)
	if token != "-" {
		var ok bool
		if i, ok = index(token, len(n.Content)); !ok {
			return splice{}, errPlace
		}
	}
	items := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{value}}
	if len(n.Content) == 0 {
		return d.replace(at, items)
	}
	indent, flow := d.inner(at)
	switch {
	case flow && i < len(n.Content):
		start := d.offset(n.Content[i])
		prefix, spread := d.spread(at, start)
		separator := ", "
		if spread {
			separator = "," + d.newline + prefix
		}
		return splice{start, start, d.style.flow(value, prefix, spread) + separator}, nil
	case flow:
		return d.insertFlow(at, d.item(at, i-1), func(prefix string, spread bool) string {
			return d.style.flow(value, prefix, spread)
		})
	case i == len(n.Content):
		return d.insertLines(d.item(at, i-1), indent, d.style.block(items, indent))
	}
	line, _, ok := d.dash(n.Content[i])
	if !ok || d.indentOf(line) != indent {
		return splice{}, errPlace // the dash is not the first of its line
	}
	// What is said above an item stays there.
	for line > 0 && d.comment(line-1) && d.indentOf(line-1) == indent {
		line--
	}
	return splice{d.starts[line], d.starts[line], d.lines(d.style.block(items, indent))}, nil
}

// insertFlow puts something behind the last child between brackets.
func (d *document) insertFlow(at, last place, render func(prefix string, spread bool) string) (splice, error) {
	first := d.offset(at.node.Content[0])
	prefix, spread := d.spread(at, first)
	end, err := d.end(last)
	if err != nil {
		return splice{}, err
	}
	separator := ", "
	if spread {
		separator = "," + d.newline + prefix
	}
	return splice{end, end, separator + render(prefix, spread)}, nil
}

// spread says whether the children between brackets have lines of their own, and
// what these begin with.
func (d *document) spread(at place, child int) (prefix string, spread bool) {
	line := d.line(child)
	prefix = string(d.text[d.starts[line]:child])
	return prefix, strings.TrimSpace(prefix) == "" && line > d.line(d.offset(at.node))
}

// insertLines puts whole lines behind a block's last child.
func (d *document) insertLines(last place, indent int, lines []string) (splice, error) {
	end, err := d.end(last)
	if err != nil {
		return splice{}, err
	}
	line := d.line(max(end-1, 0)) + 1
	line = d.skipComments(line, indent)
	if line >= len(d.starts) { // the last line has no end
		return splice{len(d.text), len(d.text), d.newline + strings.TrimSuffix(d.lines(lines), d.newline)}, nil
	}
	return splice{d.starts[line], d.starts[line], d.lines(lines)}, nil
}

// skipComments skips the comments that belong to the block before them: they are
// indented as it is, or further than what follows.
func (d *document) skipComments(line, indent int) int {
	end := line
	for end < len(d.starts) && d.comment(end) && d.indentOf(end) >= indent {
		end++
	}
	if end == line || end == len(d.starts) {
		return end
	}
	if following := d.indentOf(end); following >= indent {
		for end > line && d.indentOf(end-1) == following {
			end--
		}
	}
	return end
}

func (d *document) lines(lines []string) string {
	return strings.Join(lines, d.newline) + d.newline
}

// replace writes a value in the place of another, which has a text of its own or
// none, but is no block.
func (d *document) replace(old place, value *yaml.Node) (splice, error) {
	start, end, err := d.extent(old)
	if err != nil {
		return splice{}, err
	}
	space := ""
	if implicit(old.node) {
		space = " "
	}
	if old.flow || value.Kind == yaml.ScalarNode || len(value.Content) == 0 || d.style.json {
		prefix := d.prefix(start)
		return splice{start, end, space + d.style.flow(value, prefix, d.style.json && len(d.starts) > 2)}, nil
	}
	if old.key == nil && old.indent >= 0 { // an item: the block begins behind its dash
		column := len([]rune(string(d.text[d.starts[d.line(start)]:start])))
		lines := d.style.block(value, column)
		lines[0] = lines[0][column:]
		return splice{start, end, strings.Join(lines, d.newline)}, nil
	}
	indent := old.indent + d.style.unit
	if value.Kind == yaml.SequenceNode && d.style.compact {
		indent = max(old.indent, 0)
	}
	if old.key == nil {
		indent = 0
	}
	content, from := d.content(d.line(start)), end-d.starts[d.line(start)]
	if from > len(content) {
		return splice{}, errPlace // it has several lines
	}
	rest := content[from:]
	comment := strings.TrimSpace(string(rest))
	if comment != "" && !strings.HasPrefix(comment, "#") {
		return splice{}, errPlace
	}
	if comment != "" {
		comment = " " + comment
	}
	whole := strings.Join(d.style.block(value, indent), d.newline)
	start = len(bytes.TrimRight(d.text[:start], " \t"))
	if old.key != nil {
		whole = comment + d.newline + whole
	}
	return splice{start, end + len(rest), whole}, nil
}

// extent is where a node's text begins and ends.
func (d *document) extent(at place) (start, end int, err error) {
	n := at.node
	if n.Kind != yaml.ScalarNode && n.Kind != yaml.AliasNode && n.Style&yaml.FlowStyle == 0 {
		return 0, 0, errPlace
	}
	if end, err = d.end(at); err != nil {
		return 0, 0, err
	}
	if implicit(n) {
		return end, end, nil
	}
	return d.offset(n), end, nil
}

// prefix is the white space that an offset's line begins with.
func (d *document) prefix(offset int) string {
	line := string(d.content(d.line(offset)))
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

// text is a word as a node.
func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}
