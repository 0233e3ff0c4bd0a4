package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/karpenter-sim/karpenter/engine/limit"
)

// Parse splits the text of one file into its documents; the items of lists are
// documents of their own, and empty documents are left out. On a syntax error
// it also returns the documents before it.
func Parse(file string, data []byte) ([]*Document, error) {
	var docs []*Document
	var errs Errors
	if n := items(data); n > limit.ManifestItems {
		return nil, Join(&Error{Position: Position{File: file}, Message: fmt.Sprintf("about %d keys and list items, more than %d; is it a recording? Divide it into several files", n, limit.ManifestItems)})
	}
	if values, ok := parseJSON(data); ok {
		for _, v := range values {
			list, listErrs := split(file, v, "", "", 0)
			docs, errs = append(docs, list...), append(errs, listErrs...)
		}
		return docs, Join(errs)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		err := nextNode(decoder, &n)
		if errors.Is(err, io.EOF) {
			break
		}
		if found := helmAction.FindSubmatchIndex(data); err != nil && found != nil {
			return docs, Join(append(errs, templateError(file, positionAt(file, data, found))))
		}
		if err != nil {
			errs = append(errs, syntaxError(file, data, err))
			break
		}
		if len(n.Content) == 1 {
			list, listErrs := split(file, n.Content[0], "", "", 0)
			docs, errs = append(docs, list...), append(errs, listErrs...)
		}
	}
	return docs, Join(errs)
}

// items is about how many keys, values and list items a text has: each begins a
// line, or follows a separator.
func items(data []byte) int {
	n := bytes.Count(data, []byte("\n"))
	for _, separator := range []string{",", "[", "{", "- ", ": "} {
		n += bytes.Count(data, []byte(separator))
	}
	return n
}

// nextNode turns the parser's panics on odd input into errors.
func nextNode(d *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the YAML parser failed: %v", r)
		}
	}()
	return d.Decode(n)
}

// split returns the object itself, or the items of a list. The kind and version
// of a typed list (HorizontalAutoscalerList) are those of its items too.
func split(file string, n *yaml.Node, apiVersion, kind string, depth int) ([]*Document, Errors) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	at := Position{File: file, Line: n.Line, Column: n.Column}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == nullTag {
		return nil, nil
	}
	if n.Kind != yaml.MappingNode {
		return nil, Errors{{Position: at, Message: "not an object; want a mapping with apiVersion and kind"}}
	}
	doc := &Document{File: file, Node: n, APIVersion: apiVersion, Kind: kind, start: at}
	if v := text(n, "apiVersion"); v != "" {
		doc.APIVersion = v
	}
	if v := text(n, "kind"); v != "" {
		doc.Kind = v
	}
	items := value(n, "items")
	if !strings.HasSuffix(doc.Kind, "List") || items == nil || items.Kind != yaml.SequenceNode {
		return []*Document{doc}, nil
	}
	if depth == depthMost {
		return nil, Errors{{Position: at, Message: fmt.Sprintf("lists nested deeper than %d levels", depthMost)}}
	}
	itemKind := strings.TrimSuffix(doc.Kind, "List")
	itemVersion := doc.APIVersion
	if itemKind == "" {
		itemVersion = ""
	}
	var docs []*Document
	var errs Errors
	for _, item := range items.Content {
		list, listErrs := split(file, item, itemVersion, itemKind, depth+1)
		docs, errs = append(docs, list...), append(errs, listErrs...)
	}
	return docs, errs
}

// value finds a key of a mapping, which need not be expanded; nil if there is none.
func value(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			v := n.Content[i+1]
			if v.Kind == yaml.AliasNode {
				v = v.Alias
			}
			return v
		}
	}
	return nil
}

func text(n *yaml.Node, key string) string {
	if v := value(n, key); v != nil && v.Kind == yaml.ScalarNode && v.ShortTag() == stringTag {
		return v.Value
	}
	return ""
}

var unknownAnchor = regexp.MustCompile(`unknown anchor '([^']+)'`)

var syntaxLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// cures are hints for the commonest mistakes, by a part of the parser's words.
var cures = []struct{ problem, cure string }{
	{"found character that cannot start any token", "indent with spaces, not tabs, and quote values that start with @, ` or %"},
	{"mapping values are not allowed in this context", "check the indentation, and quote values that contain \": \""},
	{"did not find expected key", "check the indentation, and quote values that contain quotes or start with { or ["},
	{"could not find expected ':'", "check the indentation, and that every key is followed by a colon and a space"},
	{"did not find expected ',' or", "inside [ ] and { }, quote values that contain , [ ] { } or \": \""},
	{"did not find expected '-' indicator", "check the indentation of the list's items"},
}

// syntaxError translates the parser's error. The parser tells the line at most;
// the column is that of the line's first character.
func syntaxError(file string, data []byte, err error) *Error {
	e := &Error{Position: Position{File: file, Line: 1, Column: 1}}
	m := syntaxLine.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
	if m == nil {
		e.Message = "invalid YAML: " + err.Error()
		return e
	}
	e.Message = "invalid YAML: " + m[2]
	for _, c := range cures {
		if strings.Contains(m[2], c.problem) {
			e.Message += "; " + c.cure
		}
	}
	if line, err := strconv.Atoi(m[1]); err == nil {
		e.Position.Line, e.Position.Column = line, firstColumn(data, line)
	} else if a := unknownAnchor.FindStringSubmatch(m[2]); a != nil {
		e.Position.Line, e.Position.Column = find(data, "*"+a[1])
	}
	return e
}

// positionAt is the place of a match, or of its first group where there is one.
func positionAt(file string, data []byte, match []int) Position {
	at := match[0]
	if len(match) > 2 && match[2] >= 0 {
		at = match[2]
	}
	before := data[:at]
	return Position{File: file, Line: bytes.Count(before, []byte("\n")) + 1, Column: at - bytes.LastIndexByte(before, '\n')}
}

// find is the line and column of the first occurrence, 1 and 1 if there is none.
func find(data []byte, word string) (line, column int) {
	before, _, found := bytes.Cut(data, []byte(word))
	if !found {
		return 1, 1
	}
	return bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')
}

func firstColumn(data []byte, line int) int {
	lines := bytes.SplitN(data, []byte("\n"), line+1)
	if line > len(lines) {
		return 1
	}
	l := lines[line-1]
	return len(l) - len(bytes.TrimLeft(l, " \t")) + 1
}
