package journal

import (
	"bytes"
	"io"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// A Step is a record together with what its decision rested on.
type Step struct {
	Line   int
	Record *Record
	// Known says whether the file still tells what follows: false after a lost
	// line, until the state is written again, and for kinds other than
	// HorizontalAutoscaler.
	Known bool
	// Policy is the one that decided; nil where the spec was invalid.
	Policy *policy.Autoscaler
	// Before and After are the state before and after the slot.
	Before, After autoscaler.State
	// Agreed says whether the engine decides the slot as the record says.
	Agreed bool
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
		step := &Step{Line: line.Number, Record: line.Record}
		if line.Record.Kind == HorizontalAutoscaler {
			o := objects[line.Record.Object]
			if o == nil {
				o = &verified{}
				objects[line.Record.Object] = o
			}
			if err := o.walk(line, step); err != nil {
				return &LineError{name, line.Number, err}
			}
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
	text, _ := Append(nil, &again)
	step.Agreed = bytes.Equal(bytes.TrimSuffix(text, []byte("\n")), line.Text)
	step.After = o.state.Clone()
	return nil
}
