package edit

import (
	yaml "go.yaml.in/yaml/v3"
)

// style is how a document is written.
type style struct {
	// unit is by how much more a mapping in a mapping is indented, and compact says
	// that a sequence in a mapping is not.
	unit    int
	compact bool
	// json says that everything is in brackets, and gap is what its lines are
	// indented by.
	json    bool
	gap     string
	newline string
}

// findStyle looks at how the document itself does it.
func (d *document) findStyle() style {
	s := style{unit: 2, gap: "  ", newline: d.newline, json: d.root.Style&yaml.FlowStyle != 0}
	unit, dash := 0, -1
	d.walk(place{node: d.root, indent: -1}, func(p place) {
		if p.flow || p.key == nil || len(p.node.Content) == 0 || p.node.Style&yaml.FlowStyle != 0 {
			return
		}
		inner, _ := d.inner(p)
		switch {
		case p.node.Kind == yaml.MappingNode && unit == 0:
			unit = inner - p.indent
		case p.node.Kind == yaml.SequenceNode && dash < 0:
			dash = inner - p.indent
		}
	})
	if unit > 0 {
		s.unit = unit
	}
	// kubectl and kustomize write their sequences without indentation.
	s.compact = dash <= 0
	if s.json && len(d.root.Content) > 0 {
		if gap := d.prefix(d.offset(d.root.Content[0])); gap != "" {
			s.gap = gap
		}
	}
	return s
}
