package manifest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A checker compares an expanded tree with the Go type it is to be decoded
// into and collects every mistake, where a decoder would stop at the first.
type checker struct {
	doc  *Document
	errs Errors
	// lenient leaves unknown fields alone.
	lenient bool
}

func (c *checker) fail(key, value *yaml.Node, path, format string, args ...any) {
	c.errs = append(c.errs, &Error{Position: c.position(key, value, path), Field: path, Message: fmt.Sprintf(format, args...)})
}

// explainedMost is how many unknown fields of a document are compared with the
// known ones: who has more has given the wrong file.
const explainedMost = 100

// position looks for an ancestor only where the value itself was not written in a
// file: to look for it costs as much as the document is long.
func (c *checker) position(key, value *yaml.Node, path string) Position {
	if value.Line > 0 && (key == nil || key.Line > 0) {
		return c.doc.place(Position{}, key, value)
	}
	return c.doc.place(c.doc.Locate(path), key, value)
}

var (
	unmarshalerType = reflect.TypeFor[json.Unmarshaler]()
	quantityType    = reflect.TypeFor[resource.Quantity]()
	timeType        = reflect.TypeFor[metav1.Time]()
	durationType    = reflect.TypeFor[metav1.Duration]()
	metadataType    = reflect.TypeFor[metav1.ObjectMeta]()
)

func decodesItself(t reflect.Type) bool {
	return t.Implements(unmarshalerType) || reflect.PointerTo(t).Implements(unmarshalerType)
}

// node checks one value; null leaves any field as if it were absent.
func (c *checker) node(key, n *yaml.Node, t reflect.Type, path string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if n.Tag == nullTag {
		return
	}
	if decodesItself(t) {
		c.custom(key, n, t, path)
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		c.object(key, n, t, path)
	case reflect.Map:
		if !c.want(key, n, mapTag, path, "a mapping") {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			at := path + "[" + n.Content[i].Value + "]"
			if c.lenient {
				at = join(path, n.Content[i].Value)
			}
			c.node(n.Content[i], n.Content[i+1], t.Elem(), at)
		}
	case reflect.Slice:
		if !c.want(key, n, seqTag, path, "a list") {
			return
		}
		for i, item := range n.Content {
			c.node(nil, item, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
		}
	case reflect.String:
		if n.Tag == boolTag || n.Tag == intTag || n.Tag == floatTag {
			c.fail(key, n, path, "want a string, got %s; write it in quotes", describe(n))
			return
		}
		c.want(key, n, stringTag, path, "a string")
	case reflect.Bool:
		c.want(key, n, boolTag, path, "true or false")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		c.integer(key, n, t, path)
	case reflect.Float32, reflect.Float64:
		if _, err := strconv.ParseFloat(n.Value, t.Bits()); n.Tag != intTag && n.Tag != floatTag || err != nil {
			c.fail(key, n, path, "want a number, got %s", describe(n))
		}
	}
}

func (c *checker) want(key, n *yaml.Node, tag, path, wanted string) bool {
	if n.Tag != tag {
		c.fail(key, n, path, "want %s, got %s", wanted, describe(n))
	}
	return n.Tag == tag
}

func (c *checker) object(key, n *yaml.Node, t reflect.Type, path string) {
	if !c.want(key, n, mapTag, path, "a mapping") {
		return
	}
	known := fieldsOf(t)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		fieldPath := join(path, k.Value)
		field, ok := known.types[k.Value]
		if !ok && c.lenient {
			continue
		}
		if !ok && len(c.errs) < explainedMost {
			c.fail(nil, k, fieldPath, "%s", known.unknown(k.Value))
			continue
		}
		if !ok {
			c.fail(nil, k, fieldPath, "unknown field")
			continue
		}
		c.node(k, v, field, fieldPath)
	}
}

func (c *checker) integer(key, n *yaml.Node, t reflect.Type, path string) {
	least, most := int64(-1)<<(t.Bits()-1), int64(1)<<(t.Bits()-1)-1
	v, err := strconv.ParseInt(n.Value, 10, t.Bits())
	if n.Tag != intTag || err != nil || strconv.FormatInt(v, 10) != n.Value && n.Value != "-0" {
		cure := ""
		if v, err := strconv.ParseInt(strings.TrimSuffix(n.Value, "%"), 10, t.Bits()); n.Tag == stringTag && err == nil {
			cure = fmt.Sprintf("; write %d", v)
		} else if n.Tag == stringTag {
			cure = unsubstituted(n.Value)
		}
		c.fail(key, n, path, "want a whole number from %d to %d, got %s%s", least, most, describe(n), cure)
	}
}

// hugeExponent matches numbers that would keep resource.ParseQuantity busy for minutes.
var hugeExponent = regexp.MustCompile(`[eE][-+]?[0-9]{4,}`)

// custom asks a type that decodes itself.
func (c *checker) custom(key, n *yaml.Node, t reflect.Type, path string) {
	switch t {
	case quantityType:
		isText := n.Tag == stringTag || n.Tag == intTag || n.Tag == floatTag
		if isText && !hugeExponent.MatchString(n.Value) {
			if _, err := resource.ParseQuantity(n.Value); err == nil {
				return
			}
		}
		c.fail(key, n, path, `want a quantity such as 2, "0.5", "500m" or "1Gi", got %s`, describe(n))
	case timeType:
		c.unmarshal(key, n, t, path, `want a time such as "2026-01-05T08:00:00Z", got `+describe(n))
	case durationType:
		c.unmarshal(key, n, t, path, `want a duration such as 90s or 5m, got `+describe(n))
	default:
		c.unmarshal(key, n, t, path, "")
	}
}

func (c *checker) unmarshal(key, n *yaml.Node, t reflect.Type, path, message string) {
	data, err := appendJSON(nil, n)
	if err == nil {
		err = json.Unmarshal(data, reflect.New(t).Interface())
	}
	if err == nil {
		return
	}
	if message == "" {
		message = strings.ReplaceAll(err.Error(), "\n", " ")
	}
	c.fail(key, n, path, "%s", message)
}
