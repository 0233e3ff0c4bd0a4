package reports

import (
	"fmt"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/escape"
)

// An Annotation is a message that a GitHub workflow shows beside a line of code.
type Annotation struct {
	// File is relative to the repository; empty where there is none.
	File string
	// Line and Column count from 1; 0 where they are not known.
	Line, Column int
	Title        string
	Message      string
}

// String is the workflow command.
func (a Annotation) String() string {
	a.File, a.Title, a.Message = escape.Inline(a.File), escape.Inline(a.Title), escape.Lines(a.Message)
	var properties []string
	if a.File != "" {
		properties = append(properties, "file="+propertyEscaper.Replace(a.File))
		if a.Line > 0 {
			properties = append(properties, fmt.Sprintf("line=%d", a.Line))
		}
		if a.Column > 0 {
			properties = append(properties, fmt.Sprintf("col=%d", a.Column))
		}
	}
	if a.Title != "" {
		properties = append(properties, "title="+propertyEscaper.Replace(a.Title))
	}
	return "::error " + strings.Join(properties, ",") + "::" + commandEscaper.Replace(a.Message)
}

var (
	commandEscaper  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscaper = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// Annotations returns one for each failed expectation, at the line that states it.
func (r *Report) Annotations() []Annotation {
	var list []Annotation
	for _, e := range r.Failures() {
		list = append(list, Annotation{File: e.File, Line: e.Line, Title: r.Run.Name + ": " + e.Name, Message: r.Failure(&e)})
	}
	return list
}
