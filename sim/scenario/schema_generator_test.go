package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// An ordered is a JSON object whose members keep their order.
type ordered []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members as they stand.
func (o ordered) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		var value bytes.Buffer
		encoder := json.NewEncoder(&value)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(m.value); err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(bytes.TrimSpace(value.Bytes()))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// schemaFile is the schema of a whole file: of the documents in it, only the
// Scenario is described, and manifests are let pass.
func schemaFile(c *comments) ([]byte, error) {
	root := ordered{
		{"$schema", "http://json-schema.org/draft-07/schema#"},
		{"title", "Scenario of " + APIVersion},
		{"if", ordered{{"properties", ordered{{"apiVersion", ordered{{"pattern", "^" + strings.ReplaceAll(strings.Split(APIVersion, "/")[0], ".", `\.`) + "/"}}}}}}},
		{"then", schemaOf(c, reflect.TypeFor[Scenario]())},
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(root)
	return b.Bytes(), err
}

// Schemas of the types that read JSON in their own way.
var (
	durationSchema = ordered{
		{"type", []string{"string", "integer"}},
		{"pattern", "^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$"},
		{"minLength", 1}, {"minimum", 0}, {"maximum", 0},
	}
	scalarSchema   = ordered{{"type", []string{"string", "number", "boolean", "null"}}}
	quantitySchema = ordered{{"type", []string{"string", "number"}}}
	shareSchema    = anyOf(ordered{{"type", "integer"}, {"minimum", 0}}, ordered{{"type", "string"}, {"pattern", "^[0-9]+%$"}})
	timeSchema     = ordered{{"type", "string"}, {"format", "date-time"}}
)

func special(c *comments, t reflect.Type) (ordered, bool) {
	switch t {
	case reflect.TypeFor[Duration]():
		return durationSchema, true
	case reflect.TypeFor[Time](), reflect.TypeFor[metav1.Time]():
		return timeSchema, true
	case reflect.TypeFor[resource.Quantity]():
		return quantitySchema, true
	case reflect.TypeFor[Share]():
		return shareSchema, true
	case reflect.TypeFor[TuneValue]():
		return scalarSchema, true
	case reflect.TypeFor[Delay]():
		return anyOf(durationSchema, distribution("min", "max"), distribution("p50", "p95")), true
	case reflect.TypeFor[StartUp]():
		return anyOf(durationSchema, ordered{{"type", "string"}, {"enum", []string{asRecorded}}}), true
	case reflect.TypeFor[Yardsticks]():
		one := schemaOf(c, reflect.TypeFor[Yardstick]())
		return anyOf(one, ordered{{"type", "array"}, {"items", one}}), true
	case reflect.TypeFor[Assignments]():
		return anyOf(
			ordered{{"type", "string"}},
			ordered{{"type", "array"}, {"items", ordered{{"type", "string"}}}},
			ordered{{"type", "object"}, {"additionalProperties", scalarSchema}},
		), true
	}
	return nil, false
}

func anyOf(list ...ordered) ordered { return ordered{{"anyOf", list}} }

func distribution(low, high string) ordered {
	return ordered{
		{"type", "object"},
		{"properties", ordered{{low, durationSchema}, {high, durationSchema}}},
		{"required", []string{low, high}},
		{"additionalProperties", false},
	}
}

// schemaOf is the schema of a type, without the comment of whoever uses it.
func schemaOf(c *comments, t reflect.Type) ordered {
	if s, ok := special(c, t); ok {
		return s
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(c, t.Elem())
	case reflect.String:
		return stringSchema(c, t)
	case reflect.Bool:
		return ordered{{"type", "boolean"}}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return ordered{{"type", "integer"}}
	case reflect.Float64:
		return ordered{{"type", "number"}}
	case reflect.Slice:
		return ordered{{"type", "array"}, {"items", schemaOf(c, t.Elem())}}
	case reflect.Map:
		return ordered{{"type", "object"}, {"additionalProperties", schemaOf(c, t.Elem())}}
	case reflect.Struct:
		return structSchema(c, t)
	}
	panic(fmt.Sprintf("a scenario has a field of type %s, which this generator does not know", t))
}

// stringSchema is that of a string; of a type with constants, one of them.
func stringSchema(c *comments, t reflect.Type) ordered {
	values := c.values[t.Name()]
	if !ours(t) || len(values) == 0 {
		return ordered{{"type", "string"}}
	}
	var allowed, said []string
	for _, v := range values {
		allowed, said = append(allowed, v.value), append(said, v.comment)
	}
	s := ordered{{"type", "string"}, {"enum", allowed}}
	if strings.Join(said, "") != "" {
		s = append(s, member{"enumDescriptions", said})
	}
	return s
}

func structSchema(c *comments, t reflect.Type) ordered {
	properties, required := ordered{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		text := c.of(t, &f)
		s := schemaOf(c, f.Type)
		switch f.Name + " of " + t.Name() {
		case "APIVersion of Scenario":
			s = ordered{{"type", "string"}, {"enum", []string{APIVersion}}}
		case "Kind of Scenario":
			s = ordered{{"type", "string"}, {"enum", []string{Kind}}}
		}
		if text != "" {
			s = describe(s, text)
		}
		properties = append(properties, member{name, s})
		if t == reflect.TypeFor[Scenario]() || strings.HasSuffix(text, " Required.") {
			required = append(required, name)
		}
	}
	s := ordered{{"type", "object"}, {"properties", properties}}
	if len(required) > 0 {
		s = append(s, member{"required", required})
	}
	s = append(s, member{"additionalProperties", false})
	if text := c.types[t.Name()]; ours(t) && text != "" {
		s = describe(s, text)
	}
	return s
}

// describe puts a comment in front, in the place of one that is there.
func describe(s ordered, text string) ordered {
	out := ordered{{"description", text}}
	for _, m := range s {
		if m.name != "description" {
			out = append(out, m)
		}
	}
	return out
}
