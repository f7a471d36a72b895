package edit

import (
	"encoding/json"
	"regexp"
	"strings"

	yaml "go.yaml.in/yaml/v3"
	k8syaml "sigs.k8s.io/yaml"
)

// block writes a mapping or a sequence as lines.
func (s style) block(n *yaml.Node, indent int) []string {
	n = resolved(n)
	pad := strings.Repeat(" ", indent)
	var lines []string
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			item = resolved(item)
			if item.Kind == yaml.ScalarNode || len(item.Content) == 0 {
				lines = append(lines, pad+"- "+s.word(item, false))
				continue
			}
			inner := s.block(item, indent+len("- "))
			inner[0] = pad + "- " + inner[0][indent+len("- "):]
			lines = append(lines, inner...)
		}
		return lines
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := pad+s.word(n.Content[i], false)+":", resolved(n.Content[i+1])
		switch {
		case value.Kind == yaml.ScalarNode || len(value.Content) == 0:
			lines = append(lines, key+" "+s.word(value, false))
		case value.Kind == yaml.SequenceNode && s.compact:
			lines = append(append(lines, key), s.block(value, indent)...)
		default:
			lines = append(append(lines, key), s.block(value, indent+s.unit)...)
		}
	}
	return lines
}

// flow writes anything between brackets; spread out, its lines begin with prefix.
func (s style) flow(n *yaml.Node, prefix string, spread bool) string {
	n = resolved(n)
	if n.Kind == yaml.ScalarNode || len(n.Content) == 0 {
		return s.word(n, true)
	}
	brackets, separator, inner := "[]", ", ", ""
	if spread {
		inner = prefix + s.gap
		separator = "," + s.newline + inner
	}
	var inside string
	if n.Kind == yaml.MappingNode {
		brackets, inside = "{}", s.flowPair(n, inner, spread)
	} else {
		items := make([]string, len(n.Content))
		for i, item := range n.Content {
			items[i] = s.flow(item, inner, spread)
		}
		inside = strings.Join(items, separator)
	}
	if spread {
		inside = s.newline + inner + inside + s.newline + prefix
	}
	return brackets[:1] + inside + brackets[1:]
}

// flowPair writes the pairs of a mapping without its brackets.
func (s style) flowPair(n *yaml.Node, prefix string, spread bool) string {
	separator := ", "
	if spread {
		separator = "," + s.newline + prefix
	}
	pairs := make([]string, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		pairs = append(pairs, s.word(n.Content[i], true)+": "+s.flow(n.Content[i+1], prefix, spread))
	}
	return strings.Join(pairs, separator)
}

// plainWord needs no quotes wherever it stands, unless it reads as something else
// than a word. The colon is one of plainBlock's: between brackets it could end a key.
var (
	plainWord  = regexp.MustCompile(`^[A-Za-z0-9/._]([A-Za-z0-9/._@=-]*[A-Za-z0-9/_])?$`)
	plainBlock = regexp.MustCompile(`^[A-Za-z0-9/._]([A-Za-z0-9/._@=:?-]*[A-Za-z0-9/_])?$`)
)

// word writes a scalar, or an empty collection.
func (s style) word(n *yaml.Node, flow bool) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "{}"
	case n.Kind == yaml.SequenceNode:
		return "[]"
	case n.Tag == "!!null":
		return "null"
	case n.Tag != "!!str":
		return n.Value
	case s.json:
		return jsonString(n.Value)
	case flow && plainWord.MatchString(n.Value), !flow && plainBlock.MatchString(n.Value):
		// Kubernetes reads YAML 1.1, where "on" is true.
		var (
			read  any
			other yaml.Node
		)
		if err := k8syaml.Unmarshal([]byte(n.Value), &read); err != nil || read != n.Value {
			break
		}
		if err := yaml.Unmarshal([]byte(n.Value), &other); err == nil && other.Content[0].Tag == n.Tag {
			return n.Value
		}
	}
	return jsonString(n.Value)
}

// jsonString quotes as JSON does, which YAML reads too.
func jsonString(value string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // a string always can be
	return strings.TrimSuffix(b.String(), "\n")
}
