package convert

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// An origin says of which field of the original a field of a result was made.
type origin struct {
	object         runtime.Object
	result, source string
	// alike says that what is below these fields has the same names.
	alike bool
}

// from notes that a field of a result, and all below it, was made of a field of
// the original.
func (c *converter) from(object runtime.Object, result, source *field.Path) {
	c.origins = append(c.origins, origin{object, result.String(), source.String(), false})
}

// fromAlike is from where what is below the fields has the same names.
func (c *converter) fromAlike(object runtime.Object, result, source *field.Path) {
	c.origins = append(c.origins, origin{object, result.String(), source.String(), true})
}

// fieldOf is a field as the text has it.
func (c *converter) fieldOf(path *field.Path) string {
	if c.written == nil {
		return path.String()
	}
	return c.written(path.String())
}

// sourceOf is the field of the text that a field of a result was made of.
func (c *converter) sourceOf(object runtime.Object, path string) string {
	path = source(c.origins, object, path)
	if c.written == nil {
		return path
	}
	return c.written(path)
}

// source is the field of the original that a field of a result was made of: that
// of the nearest field around it of which the origin is known, else itself.
func source(origins []origin, object runtime.Object, path string) string {
	best, found := origin{}, false
	for _, o := range origins {
		within := path == o.result || strings.HasPrefix(path, o.result+".") || strings.HasPrefix(path, o.result+"[")
		if o.object == object && within && (!found || len(o.result) > len(best.result)) {
			best, found = o, true
		}
	}
	switch {
	case !found:
		return path
	case best.alike:
		return best.source + path[len(best.result):]
	}
	return best.source
}

// A Result holds what an object was converted to.
type Result struct {
	// Objects are a HorizontalAutoscaler and the MetricsProducers that it reads.
	// There are none if the object cannot be converted.
	Objects []runtime.Object
	// Notes say what was changed, also of an object that cannot be converted.
	Notes []Note

	source func(object runtime.Object, field string) string
}

// Source is the field of the original that a field of one of the objects was made
// of, the field's own path where that is not known.
func (r *Result) Source(object runtime.Object, field string) string {
	return r.source(object, field)
}
