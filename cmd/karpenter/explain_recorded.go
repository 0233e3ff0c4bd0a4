package main

import (
	"fmt"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
)

// recordedStages are the fields of a record, as they stand there.
func (w *words) recordedStages() []stage {
	r := w.step.Record
	var list []stage
	for i := range r.Observed {
		list = append(list, fieldStage("observed", &r.Observed[i]))
	}
	for i := range r.Value {
		list = append(list, fieldStage("value", &r.Value[i]))
	}
	if r.Command != nil {
		list = append(list, stage{Name: "command", Value: r.Command, Text: "is what the provider is told"})
	} else if r.Kind == journal.ScalableNodeGroup {
		list = append(list, stage{Name: "command", Text: "nothing: the provider is left as it is"})
	}
	return list
}

func fieldStage(name string, f *journal.Field) stage {
	if f.Code != observation.OK {
		return stage{Name: name, Text: f.Name + ": " + meaning(f.Code)}
	}
	return stage{Name: name, Text: f.Name + " = " + figure(f.Value)}
}

// recordedWhy is what failed, or else what came of it.
func (w *words) recordedWhy() string {
	r := w.step.Record
	var failed []journal.Field
	for _, f := range r.Observed {
		if f.Code != observation.OK {
			failed = append(failed, f)
		}
	}
	switch {
	case len(failed) > 0:
		return fieldList(failed)
	case r.Value != nil:
		return fieldList(r.Value)
	}
	return fieldList(r.Observed)
}

// fieldList is the fields of a record in one line.
func fieldList(fields []journal.Field) string {
	var list []string
	for _, f := range fields {
		if f.Code != observation.OK {
			list = append(list, fmt.Sprintf("%s: %s", f.Name, f.Code))
		} else {
			list = append(list, f.Name+" = "+figure(f.Value))
		}
	}
	return strings.Join(list, ", ")
}
