package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode"

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

// Text is the document as YAML, whether or not it can be decoded.
func (d *Document) Text() string {
	text, err := encode(d.Node)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func encode(n *yaml.Node) ([]byte, error) {
	quoteBlank(n)
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(n), encoder.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// quoteBlank quotes strings that the encoder would write as blocks which do not
// read back: those that begin with white space or have tabs or other controls.
func quoteBlank(n *yaml.Node) {
	control := func(r rune) bool { return r != '\n' && unicode.IsControl(r) }
	if n.Kind == yaml.ScalarNode && (strings.TrimLeftFunc(n.Value, unicode.IsSpace) != n.Value || strings.ContainsFunc(n.Value, control)) {
		n.Style = yaml.DoubleQuotedStyle
	}
	for _, c := range n.Content {
		quoteBlank(c)
	}
}

// nodeOf is a value's tree in expanded form, without positions.
func nodeOf(v any) (*yaml.Node, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return newJSONReader(b.Bytes()).value(0)
}
