package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// errDeep makes Parse leave a text to the YAML parser, which reports it.
var errDeep = errors.New("nested too deep")

// A jsonReader reads JSON as a tree that keeps the order of keys, repeated ones
// included. JSON is YAML but for some escapes in strings, so that texts written
// by other tools need a reader of their own.
type jsonReader struct {
	decoder *json.Decoder
	// text is the document that positions are counted in; nil leaves them out.
	text []byte
	// at is the offset up to which line and column, both from 0, are counted.
	at, line, column int
}

func newJSONReader(in []byte) *jsonReader {
	r := &jsonReader{decoder: json.NewDecoder(bytes.NewReader(in))}
	r.decoder.UseNumber()
	return r
}

// parseJSON returns the values of a text that is JSON throughout.
func parseJSON(text []byte) (values []*yaml.Node, ok bool) {
	if start := bytes.TrimLeft(text, " \t\r\n"); len(start) == 0 || start[0] != '{' {
		return nil, false
	}
	r := newJSONReader(text)
	r.text = text
	for {
		n, err := r.value(0)
		if errors.Is(err, io.EOF) {
			return values, true
		}
		if err != nil {
			return nil, false
		}
		values = append(values, n)
	}
}

func (r *jsonReader) value(depth int) (*yaml.Node, error) {
	if depth > 2*depthMost {
		return nil, errDeep
	}
	token, err := r.decoder.Token()
	if err != nil {
		return nil, err
	}
	n := &yaml.Node{Kind: yaml.ScalarNode}
	delim, isDelim := token.(json.Delim)
	switch {
	case !isDelim:
		n = tokenNode(token)
	case delim == '{':
		n.Kind, n.Tag = yaml.MappingNode, mapTag
	default:
		n.Kind, n.Tag = yaml.SequenceNode, seqTag
	}
	r.place(n)
	if !isDelim {
		return n, nil
	}
	// In an object, Token yields the keys too, so that content alternates as
	// a mapping's does.
	for r.decoder.More() {
		item, err := r.value(depth + 1)
		if err != nil {
			return nil, unexpectedEnd(err)
		}
		n.Content = append(n.Content, item)
	}
	if len(n.Content) == 0 {
		n.Style = yaml.FlowStyle
	}
	_, err = r.decoder.Token()
	r.skip(int(r.decoder.InputOffset()))
	return n, unexpectedEnd(err)
}

// unexpectedEnd tells the end within a value from the end after one.
func unexpectedEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// place gives a node the position of the token that was just read: it begins
// after what separates it from the one before.
func (r *jsonReader) place(n *yaml.Node) {
	if r.text == nil {
		return
	}
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[r.at]) >= 0 {
		r.skip(r.at + 1)
	}
	n.Line, n.Column = r.line+1, r.column+1
	r.skip(int(r.decoder.InputOffset()))
}

// skip counts lines and characters up to an offset.
func (r *jsonReader) skip(to int) {
	for r.at < min(to, len(r.text)) {
		c, size := utf8.DecodeRune(r.text[r.at:])
		r.at += size
		r.column++
		if c == '\n' {
			r.line, r.column = r.line+1, 0
		}
	}
}

func tokenNode(token json.Token) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode}
	switch v := token.(type) {
	case string:
		n.Tag, n.Value = stringTag, v
		n.Style = stringStyle(v)
	case json.Number:
		n.Tag, n.Value = intTag, v.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = floatTag
		}
	case bool:
		n.Tag, n.Value = boolTag, "false"
		if v {
			n.Value = "true"
		}
	default:
		n.Tag, n.Value = nullTag, "null"
	}
	return n
}

// stringStyle quotes what YAML 1.1 and the merge key would make something else
// of; the encoder itself quotes everything else that needs it.
func stringStyle(s string) yaml.Style {
	if _, isWord := booleans[s]; isWord || s == "<<" {
		return yaml.DoubleQuotedStyle
	}
	return 0
}
