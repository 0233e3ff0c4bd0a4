package journal

import (
	"bytes"
	"io"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/nodegroup"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// A Step is a record together with what its decision rested on.
type Step struct {
	Line   int
	Record *Record
	// Known says whether the file still tells what follows: false after a lost
	// line, until the state is written again, and for MetricsProducers.
	Known bool
	// Policy is the one that decided; nil where the spec was invalid.
	Policy *policy.Autoscaler
	// Before and After are the state before and after the slot.
	Before, After autoscaler.State
	// Group is that of a ScalableNodeGroup, in place of the three before.
	Group GroupStep
	// Agreed says whether the engine decides the slot as the record says.
	Agreed bool
}

// A GroupStep holds what the decision about a ScalableNodeGroup rested on.
type GroupStep struct {
	// Policy is the one that decided; nil where the spec was invalid.
	Policy   *policy.NodeGroup
	Input    *nodegroup.Input
	Decision nodegroup.Decision
	// Before and After are the state before and after the slot.
	Before, After nodegroup.State
}

// Walk decides every record of the journal again, in the order of the file, and
// calls visit with each. The first error, of reading or of visit, ends it. A
// Step may be kept, its Policy must not be changed.
func Walk(r io.Reader, name string, visit func(*Step) error) error {
	objects := map[Object]*verified{}
	lines := NewReader(r, name)
	for {
		line, err := lines.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if line.Record == nil {
			continue
		}
		o := objects[line.Record.Object]
		if o == nil {
			o = &verified{}
			objects[line.Record.Object] = o
		}
		step := &Step{Line: line.Number, Record: line.Record}
		switch line.Record.Kind {
		case HorizontalAutoscaler:
			err = o.walk(line, step)
		case ScalableNodeGroup:
			err = o.group.walk(line, step)
		}
		if err != nil {
			return &LineError{name, line.Number, err}
		}
		if err := visit(step); err != nil {
			return err
		}
	}
}

// walk steps over one record.
func (o *verified) walk(line *Line, step *Step) error {
	r := line.Record
	if err := o.load(r); err != nil {
		return err
	}
	o.known = o.known && o.digest == r.Prev && o.name == r.Policy
	if !o.known {
		return nil
	}
	step.Known, step.Policy, step.Before = true, o.policy, o.state.Clone()
	again := *r
	o.step(r, &again)
	step.Agreed = bytes.Equal(lineOf(&again), line.Text)
	step.After = o.state.Clone()
	return nil
}

// walk steps over one record.
func (o *verifiedGroup) walk(line *Line, step *Step) error {
	again, group, err := o.again(line.Record)
	if again == nil {
		return err
	}
	step.Known, step.Group = true, group
	step.Agreed = bytes.Equal(again, line.Text)
	return nil
}
