package manifest

import (
	"encoding/json"
	"reflect"

	"go.yaml.in/yaml/v3"
	kjson "sigs.k8s.io/json"
)

// Decode decodes the document into a pointer to a struct with JSON names. An
// unknown field or a value of the wrong type is an error; all are reported.
func (d *Document) Decode(into any) error {
	c := &checker{doc: d}
	c.node(nil, d.Node, reflect.TypeOf(into), "")
	if len(c.errs) > 0 {
		return Join(c.errs)
	}
	data, err := d.JSON()
	if err != nil {
		return Join(d.Errorf("", "%v", err))
	}
	strict, err := kjson.UnmarshalStrict(data, into)
	for _, e := range append(strict, err) {
		if e != nil {
			c.errs = append(c.errs, d.Errorf("", "%v", e))
		}
	}
	return Join(c.errs)
}

// CheckTypes finds the values that do not fit a pointer to a struct with JSON
// names. Fields that the struct does not have are left alone.
func (d *Document) CheckTypes(form any) error {
	c := &checker{doc: d, lenient: true}
	c.node(nil, d.Node, reflect.TypeOf(form), "")
	return Join(c.errs)
}

// decodeLenient decodes the fields that into knows, leaves the others alone,
// and also returns the document as JSON.
func decodeLenient(d *Document, into any) ([]byte, error) {
	data, err := d.JSON()
	if err == nil {
		err = kjson.UnmarshalCaseSensitivePreserveInts(data, into)
	}
	if err != nil {
		return nil, d.Errorf("", "%v", err)
	}
	return data, nil
}

// JSON is the document in JSON, its keys in the order of the text.
func (d *Document) JSON() ([]byte, error) {
	return appendJSON(nil, d.Node)
}

func appendJSON(b []byte, n *yaml.Node) ([]byte, error) {
	var err error
	switch n.Kind {
	case yaml.MappingNode:
		b = append(b, '{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendString(b, n.Content[i].Value); err != nil {
				return nil, err
			}
			b = append(b, ':')
			if b, err = appendJSON(b, n.Content[i+1]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	case yaml.SequenceNode:
		b = append(b, '[')
		for i, item := range n.Content {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendJSON(b, item); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	}
	if n.Tag == stringTag {
		return appendString(b, n.Value)
	}
	return append(b, n.Value...), nil
}

func appendString(b []byte, s string) ([]byte, error) {
	quoted, err := json.Marshal(s)
	return append(b, quoted...), err
}
