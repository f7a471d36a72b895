package inject

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// document is a piece of a file: all pieces together are the file, to the byte.
type document struct {
	file string
	// number counts from 1, and line is that of its first byte, from 1.
	number, line int
	text         []byte
	// objects are what was read of it.
	objects []*object
}

// split cuts a file where YAML documents begin. A comment and a directive before
// "---" belong to what follows. JSON objects can also follow each other without.
func split(s source) []document {
	var pieces [][]byte
	start, content := 0, false
	cut := func(end int) {
		if end > start {
			pieces = append(pieces, s.text[start:end])
		}
		start, content = end, false
	}
	for at := 0; at < len(s.text); {
		end := at + 1 + bytes.IndexByte(s.text[at:], '\n')
		if end == at {
			end = len(s.text)
		}
		line := s.text[at:end]
		switch {
		case marker(line, "---"):
			if content {
				cut(at)
			}
			content = true
		case marker(line, "..."):
			cut(end)
		case len(bytes.TrimSpace(line)) > 0 && line[0] != '#' && line[0] != '%':
			content = true
		}
		at = end
	}
	cut(len(s.text))

	var documents []document
	line := 1
	for _, piece := range pieces {
		for _, text := range splitJSON(piece) {
			documents = append(documents, document{file: s.name, number: len(documents) + 1, line: line, text: text})
			line += bytes.Count(text, []byte("\n"))
		}
	}
	return documents
}

// marker says whether a line is a document's marker.
func marker(line []byte, what string) bool {
	rest, ok := bytes.CutPrefix(bytes.TrimPrefix(line, []byte("\ufeff")), []byte(what))
	return ok && (len(rest) == 0 || bytes.ContainsAny(rest[:1], " \t\r\n"))
}

// splitJSON cuts objects that follow each other. What is no JSON stays whole.
func splitJSON(text []byte) [][]byte {
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return [][]byte{text}
	}
	var pieces [][]byte
	decoder := json.NewDecoder(bytes.NewReader(text))
	start := 0
	for {
		var object json.RawMessage
		if decoder.Decode(&object) != nil {
			break
		}
		end := int(decoder.InputOffset())
		pieces = append(pieces, text[start:end])
		start = end
	}
	if len(pieces) == 0 || len(bytes.TrimSpace(text[start:])) > 0 {
		return [][]byte{text}
	}
	last := len(pieces) - 1
	pieces[last] = text[start-len(pieces[last]):]
	return pieces
}

// begins says whether a text has a marker before its content.
func begins(text []byte) bool {
	for line := range bytes.Lines(text) {
		switch {
		case marker(line, "---"):
			return true
		case len(bytes.TrimSpace(line)) > 0 && line[0] != '#' && line[0] != '%':
			return false
		}
	}
	return false
}

// String says where the document is.
func (d *document) String() string {
	return fmt.Sprintf("%s:%d: document %d", d.file, d.firstLine(), d.number)
}

// firstLine is the first that says something.
func (d *document) firstLine() int {
	line := d.line
	for content := range bytes.Lines(d.text) {
		if text := bytes.TrimSpace(content); len(text) > 0 && text[0] != '#' && !marker(content, "---") {
			return line
		}
		line++
	}
	return d.line
}

var lineNumber = regexp.MustCompile(`\bline (\d+)\b`)

// explain tells an error of the document with the lines of its file, and its cure
// where it is plain.
func (d *document) explain(err error) error {
	message := lineNumber.ReplaceAllStringFunc(err.Error(), func(found string) string {
		line, _ := strconv.Atoi(strings.TrimPrefix(found, "line "))
		return fmt.Sprintf("line %d", line+d.line-1)
	})
	if bytes.Contains(d.text, []byte("{{")) && strings.Contains(message, "yaml: ") {
		message += ": render the chart first, as with helm template"
	}
	return errors.New(message)
}
