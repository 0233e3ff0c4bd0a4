package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime"
)

// Marshal writes a value with JSON names as YAML: the same bytes for the same
// value, the fields of structs in order of declaration, maps sorted by key.
func Marshal(v any) ([]byte, error) {
	n, err := nodeOf(v)
	if err != nil {
		return nil, err
	}
	return encode(n)
}

// MarshalObject is Marshal of a Kubernetes object without status and what only
// the API server writes.
func MarshalObject(o runtime.Object) ([]byte, error) {
	n, err := nodeOf(o)
	if err != nil {
		return nil, err
	}
	return encode(manifestOnly(n))
}

func encode(n *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(n), encoder.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// nodeOf is a value's tree in expanded form, without positions.
func nodeOf(v any) (*yaml.Node, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(&b)
	decoder.UseNumber()
	n, err := nextValue(decoder)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// nextValue reads one JSON value as a tree, which keeps the order of keys.
func nextValue(d *json.Decoder) (*yaml.Node, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return tokenNode(token), nil
	}
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: mapTag}
	if delim == '[' {
		n = &yaml.Node{Kind: yaml.SequenceNode, Tag: seqTag}
	}
	// In an object, Token yields the keys too, so that content alternates as
	// a mapping's does.
	for d.More() {
		item, err := nextValue(d)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, item)
	}
	if len(n.Content) == 0 {
		n.Style = yaml.FlowStyle
	}
	_, err = d.Token()
	return n, err
}

func tokenNode(token json.Token) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode}
	switch v := token.(type) {
	case string:
		n.Tag, n.Value = stringTag, v
		if _, isWord := booleans[v]; isWord {
			n.Style = yaml.DoubleQuotedStyle
		}
	case json.Number:
		n.Tag, n.Value = intTag, v.String()
		if bytes.ContainsAny([]byte(n.Value), ".eE") {
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
