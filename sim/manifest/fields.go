package manifest

import (
	"reflect"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/suggest"
)

// fields are the JSON names of a struct's fields, in order of declaration,
// those of embedded structs included.
type fields struct {
	names []string
	types map[string]reflect.Type
}

func fieldsOf(t reflect.Type) fields {
	f := fields{types: map[string]reflect.Type{}}
	f.add(t)
	return f
}

func (f *fields) add(t reflect.Type) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || field.PkgPath != "" && !field.Anonymous {
			continue
		}
		if field.Anonymous && name == "" {
			f.add(field.Type)
			continue
		}
		if name == "" {
			name = field.Name
		}
		f.names = append(f.names, name)
		f.types[name] = field.Type
	}
}

// unknown is the message for a field that a struct does not have: a similar
// name, else the place one level down where the field exists, else all names.
func (f fields) unknown(name string) string {
	if s := suggest.Closest(name, f.names); s != "" {
		return "unknown field; did you mean \"" + s + "\"?"
	}
	for _, outer := range f.names {
		t := f.types[outer]
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() == reflect.Struct && !decodesItself(t) && slices.Contains(fieldsOf(t).names, name) {
			return "unknown field; did you mean \"" + outer + "." + name + "\"?"
		}
	}
	if len(f.names) == 0 {
		return "unknown field; none is allowed here"
	}
	return "unknown field; allowed: " + strings.Join(f.shown(), ", ")
}

// shown leaves the long tail of metadata out of messages.
func (f fields) shown() []string {
	const most = 12
	if len(f.names) <= most {
		return f.names
	}
	return append(slices.Clone(f.names[:most]), "...")
}
