package manifest

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Document is one object of a file as a tree whose nodes know the line and
// column they were written at. Once Collect has seen it and found it of
// interest, aliases and merge keys are resolved and scalars in JSON's form.
type Document struct {
	// File is the path as it was given, or <stdin>.
	File string
	// Node is the object, a mapping. It must not be changed.
	Node *yaml.Node
	// APIVersion and Kind are the object's own, or those a list gave it.
	APIVersion, Kind string

	// start is where the object begins, also if Node was built by Assign.
	start Position
	// explicit: the file was named by the user, not found in a directory.
	explicit bool
	// expanded: Node is in its final form. To expand it again would take
	// strings such as "yes" for booleans.
	expanded bool
	// written is the document as it is in the file, and source the field of it
	// for a field of the object that it was converted to; nil if this is that
	// document.
	written *Document
	source  func(field string) string
}

// Converted is the document for an object of another kind that was made of this
// one. The places of the object's fields are those of the fields that source names.
func (d *Document) Converted(source func(field string) string) *Document {
	converted := *d
	converted.written, converted.source = d.Written(), source
	return &converted
}

// Written is the document as it is in the file, of which this one was converted.
func (d *Document) Written() *Document {
	if d.written == nil {
		return d
	}
	return d.written
}

// Source returns the field of the file that a field of the object was made of, its
// own path where it was not converted.
func (d *Document) Source(path string) string { return d.sourceOf(path) }

// sourceOf is the field as the file has it.
func (d *Document) sourceOf(path string) string {
	if d.source == nil {
		return path
	}
	return d.source(path)
}

// Position is where the document begins.
func (d *Document) Position() Position { return d.start }

// Name is metadata.name; empty if it is absent or no string.
func (d *Document) Name() string {
	if m := value(d.Node, "metadata"); m != nil && m.Kind == yaml.MappingNode {
		return text(m, "name")
	}
	return ""
}

// Locate finds a field by its path, in the notation of field.Path
// (spec.metrics[0].prometheus.query, metadata.labels[app]). Where the field is
// absent, it finds the nearest ancestor that is written. A field's position is
// that of its value if that starts on the line of its key, else of its key.
func (d *Document) Locate(path string) Position {
	return d.locate(d.sourceOf(path))
}

func (d *Document) locate(path string) Position {
	at := d.start
	node := d.Node
	for _, step := range splitPath(path) {
		key, value := child(node, step)
		if value == nil {
			break
		}
		at = d.place(at, key, value)
		node = value
	}
	return at
}

// Has tells whether the field at path is written, and not as null.
func (d *Document) Has(path string) bool {
	n := d.lookup(d.sourceOf(path))
	return n != nil && n.Tag != nullTag
}

func (d *Document) lookup(path string) *yaml.Node {
	node := d.Node
	for _, step := range splitPath(path) {
		if _, node = child(node, step); node == nil {
			return nil
		}
	}
	return node
}

// Errorf is an Error at the field's position.
func (d *Document) Errorf(path, format string, args ...any) *Error {
	path = d.sourceOf(path)
	return &Error{Position: d.locate(path), Field: path, Message: fmt.Sprintf(format, args...)}
}

// place prefers the value's position to the key's on the same line, and keeps
// the ancestor's where neither was written in a file.
func (d *Document) place(ancestor Position, key, value *yaml.Node) Position {
	n := value
	if key != nil && key.Line != value.Line {
		n = key
	}
	if n.Line == 0 {
		return ancestor
	}
	return Position{File: d.File, Line: n.Line, Column: n.Column}
}

// A step is one element of a field path: a name, or what stands in brackets.
type step struct {
	text    string
	bracket bool
}

// splitPath is lenient: field paths come from code, not from users.
func splitPath(path string) []step {
	var steps []step
	for path != "" {
		switch {
		case path[0] == '.':
			path = path[1:]
		case path[0] == '[':
			end := strings.IndexByte(path, ']')
			if end < 0 {
				end = len(path)
			}
			steps = append(steps, step{text: path[1:end], bracket: true})
			path = path[min(end+1, len(path)):]
		default:
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			steps = append(steps, step{text: path[:end]})
			path = path[end:]
		}
	}
	return steps
}

// child finds what a step leads to; key is nil for an element of a list.
func child(n *yaml.Node, s step) (key, value *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == s.text {
				return n.Content[i], n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := parseIndex(s.text); err == nil && s.bracket && i < len(n.Content) {
			return nil, n.Content[i]
		}
	}
	return nil, nil
}
