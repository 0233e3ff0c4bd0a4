package convert

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// errUnsupported marks what is as its own system allows it, and yet cannot be
// converted.
var errUnsupported = errors.New("cannot be converted")

// unsupported is an error about a signal that cannot be converted.
func (c *converter) unsupported(path *field.Path, format string, args ...any) error {
	return c.invalid(path, "%w", &unsupportedError{fmt.Sprintf(format, args...)})
}

type unsupportedError struct{ message string }

func (e *unsupportedError) Error() string { return e.message }

func (e *unsupportedError) Is(target error) bool { return target == errUnsupported }

// refusals are the triggers or metrics of an object that were not converted.
type refusals []refusal

type refusal struct {
	path *field.Path
	err  error
}

func (r *refusals) add(path *field.Path, err error) { *r = append(*r, refusal{path, err}) }

// without decides whether an object can do without what was refused: only with
// Options.AllowLoss, if something is left and nothing is wrong with the rest. The
// error is nil if it can.
func (c *converter) without(refused refusals, left int) error {
	var errs []error
	for _, r := range refused {
		if !c.options.AllowLoss || left == 0 || !errors.Is(r.err, errUnsupported) {
			errs = append(errs, r.err)
			continue
		}
		var reason *Error
		if errors.As(r.err, &reason) {
			c.notes = append(c.notes, Note{Object: c.object, Field: reason.Field, Message: "dropped: " + reason.Err.Error(), Lossy: true, Dropped: true})
		}
	}
	return errors.Join(errs...)
}
