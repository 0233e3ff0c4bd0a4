package explain

import (
	"fmt"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
)

// recordedStages are the fields of a record, as they stand there.
func (e *Explanation) recordedStages() []Stage {
	r := e.step.Record
	var list []Stage
	for i := range r.Observed {
		list = append(list, fieldStage("observed", &r.Observed[i]))
	}
	for i := range r.Value {
		list = append(list, fieldStage("value", &r.Value[i]))
	}
	if r.Command != nil {
		list = append(list, Stage{Name: "command", Value: r.Command, Text: "is what the provider is told"})
	} else if r.Kind == journal.ScalableNodeGroup {
		list = append(list, Stage{Name: "command", Text: "nothing: the provider is left as it is"})
	}
	return list
}

func fieldStage(name string, f *journal.Field) Stage {
	if f.Code != observation.OK {
		return Stage{Name: name, Text: f.Name + ": " + Meaning(f.Code)}
	}
	return Stage{Name: name, Text: f.Name + " = " + Figure(f.Value)}
}

// recordedWhy returns what failed, or else what came of it.
func (e *Explanation) recordedWhy() string {
	r := e.step.Record
	var failed []journal.Field
	for _, f := range r.Observed {
		if f.Code != observation.OK {
			failed = append(failed, f)
		}
	}
	switch {
	case len(failed) > 0:
		return Fields(failed)
	case r.Value != nil:
		return Fields(r.Value)
	}
	return Fields(r.Observed)
}

// Fields returns the fields of a record in one line.
func Fields(fields []journal.Field) string {
	var list []string
	for _, f := range fields {
		if f.Code != observation.OK {
			list = append(list, fmt.Sprintf("%s: %s", f.Name, f.Code))
		} else {
			list = append(list, f.Name+" = "+Figure(f.Value))
		}
	}
	return strings.Join(list, ", ")
}
