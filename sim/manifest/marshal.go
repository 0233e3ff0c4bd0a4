package manifest

import (
	"bytes"
	"encoding/json"
	"errors"

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
	return newJSONReader(b.Bytes()).value(0)
}
