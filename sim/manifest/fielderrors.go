package manifest

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Positioned gives the findings of a validation, whose paths start at the
// document's root, their places in the text. It returns nil for an empty list.
func Positioned(d *Document, list field.ErrorList) error {
	var errs Errors
	for _, e := range list {
		path := e.Field
		if path == "<nil>" {
			path = ""
		}
		errs = append(errs, d.Errorf(path, "%s", oneLine(e.ErrorBody())))
	}
	return Join(errs)
}

func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
}
