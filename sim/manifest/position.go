package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/engine/limit"
)

// A Position is a place in a file. Line and Column start at 1; 0 is unknown.
type Position struct {
	File         string
	Line, Column int
}

// String is file:line:column, without the parts that are unknown.
func (p Position) String() string {
	file := escape.Inline(p.File)
	switch {
	case p.Line == 0:
		return file
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", file, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", file, p.Line, p.Column)
}

func (p Position) compare(q Position) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
}

// An Error is one mistake in the input.
type Error struct {
	Position Position
	// Field is the path of the field, e.g. spec.metrics[0].prometheus.query;
	// empty if the mistake concerns the whole document.
	Field string
	// Message says what is wrong and what is allowed.
	Message string
}

// Error is one line: position, field and message.
func (e *Error) Error() string {
	parts := make([]string, 0, 3)
	if pos := e.Position.String(); pos != "" {
		parts = append(parts, pos)
	}
	if e.Field != "" {
		parts = append(parts, escape.Inline(e.Field))
	}
	return strings.Join(append(parts, escape.Inline(e.Message)), ": ")
}

// Errors are the mistakes of one call, sorted by position.
type Errors []*Error

// Error is one line for each of the first limit.Listed errors and a count of the
// others; the slice itself is complete.
func (l Errors) Error() string {
	var b strings.Builder
	for i, e := range l {
		if i > 0 {
			b.WriteByte('\n')
		}
		if i == limit.Listed {
			fmt.Fprintf(&b, "and %d more errors", len(l)-i)
			break
		}
		b.WriteString(e.Error())
	}
	return b.String()
}

// Unwrap makes the single errors visible to errors.As.
func (l Errors) Unwrap() []error {
	list := make([]error, len(l))
	for i, e := range l {
		list[i] = e
	}
	return list
}

// Join flattens errors into one Errors, sorted by position and without
// repetitions; an error of another type becomes an Error without position. It
// returns nil if all are nil.
func Join(errs ...error) error {
	var list Errors
	seen := map[Error]bool{}
	for _, err := range errs {
		for _, e := range flatten(err) {
			if !seen[*e] {
				seen[*e] = true
				list = append(list, e)
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(a, b *Error) int { return a.Position.compare(b.Position) })
	return list
}

// JoinAll joins like Join those errors that have places, and leaves others as they
// are, in front of them.
func JoinAll(errs ...error) error {
	var others, list []error
	for _, err := range errs {
		if len(Placed(err)) > 0 {
			list = append(list, err)
		} else if err != nil {
			others = append(others, err)
		}
	}
	if len(others) > 0 {
		return errors.Join(append(others, Join(list...))...)
	}
	return Join(list...)
}

// Placed returns the mistakes of an error that have a place in a file, none where
// it is of another type.
func Placed(err error) Errors {
	var all Errors
	if one := (*Error)(nil); !errors.As(err, &all) && errors.As(err, &one) {
		all = Errors{one}
	}
	return all
}

func flatten(err error) Errors {
	var list Errors
	var one *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &list):
		return list
	case errors.As(err, &one):
		return Errors{one}
	}
	return Errors{{Message: err.Error()}}
}
