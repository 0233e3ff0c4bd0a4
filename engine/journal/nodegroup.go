package journal

import (
	"encoding/json"
	"fmt"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/nodegroup"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// Names of what a ScalableNodeGroup's record observes.
const (
	specField    = "spec"
	desiredField = "desired"
	readyField   = "ready"
	minField     = "min"
	maxField     = "max"
	troubleField = "trouble"
	errorField   = "error"
	resizeField  = "resize"
)

// DecideGroup fills in what a node group's step saw and decided. resize is the
// code that the slot's command failed with: the state after the slot rests on it.
func (r *Record) DecideGroup(p *policy.NodeGroup, in *nodegroup.Input, d *nodegroup.Decision, resize observation.Code) {
	r.Observed = groupFields(r.Observed[:0], in, resize)
	r.Reason, r.DryRun, r.Command = d.Reason, p.DryRun, nil
	if d.Command {
		wanted := d.Wanted
		r.Command = &wanted
	}
}

// groupFields appends the fields of an input. What is absent has none.
func groupFields(fields []Field, in *nodegroup.Input, resize observation.Code) []Field {
	add := func(name string, value int32) { fields = append(fields, Field{Name: name, Value: float64(value)}) }
	if in.Spec != nil {
		add(specField, *in.Spec)
	}
	group := &in.Group
	if group.Code != observation.OK {
		return append(fields, Field{Name: errorField, Code: group.Code})
	}
	add(desiredField, group.Desired)
	add(readyField, group.Ready)
	add(minField, group.Min)
	if group.Max >= 0 {
		add(maxField, group.Max)
	}
	if group.Issue != observation.OK {
		fields = append(fields, Field{Name: troubleField, Code: group.Issue})
	}
	if resize != observation.OK {
		fields = append(fields, Field{Name: resizeField, Code: resize})
	}
	return fields
}

// GroupInput returns what the step of a ScalableNodeGroup's record saw, and what its
// command failed with.
func (r *Record) GroupInput() (*nodegroup.Input, observation.Code) {
	in := &nodegroup.Input{
		Name: r.Namespace + "/" + r.Name, Generation: r.Generation, Slot: r.Slot,
		Group: nodegroup.Group{Max: -1},
	}
	var resize observation.Code
	for _, f := range r.Observed {
		value := int32(min(max(f.Value, -1<<31), 1<<31-1))
		switch f.Name {
		case specField:
			in.Spec = &value
		case desiredField:
			in.Group.Desired = value
		case readyField:
			in.Group.Ready = value
		case minField:
			in.Group.Min = value
		case maxField:
			in.Group.Max = value
		case troubleField:
			in.Group.Issue = f.Code
		case errorField:
			in.Group.Code = f.Code
		case resizeField:
			resize = f.Code
		}
	}
	return in, resize
}

// GroupGauges are the counts that a ScalableNodeGroup's record shows, by name of
// the gauge, and the code of the provider's issue with the group.
func (r *Record) GroupGauges() (map[string]float64, observation.Code) {
	if r.Reason == autoscaler.InvalidPolicy {
		return nil, observation.OK // nobody was asked
	}
	in, _ := r.GroupInput()
	return in.Gauges(), in.Group.Issue
}

// Failed is why the record of a node group or a producer lacks what it is about:
// it could not be read, or nobody can have meant its numbers.
func (r *Record) Failed() observation.Code {
	if r.Kind == ScalableNodeGroup && r.Reason != autoscaler.InvalidPolicy {
		in, _ := r.GroupInput()
		return in.Group.Usable()
	}
	for _, f := range r.Observed {
		if f.Name == errorField {
			return f.Code
		}
	}
	return observation.OK
}

// verifiedGroup holds what the records so far say of a ScalableNodeGroup.
type verifiedGroup struct {
	known  bool // whether state is the one after the last record
	state  nodegroup.State
	digest string
	policy *policy.NodeGroup
	name   string // digest of policy
}

// again is the line that the engine writes for the record's inputs and what it
// rests on, or nil where the state or policy it needs was lost.
func (o *verifiedGroup) again(r *Record) ([]byte, GroupStep, error) {
	if err := o.load(r); err != nil {
		return nil, GroupStep{}, err
	}
	if !o.known || o.digest != r.Prev || o.name != r.Policy {
		o.known = false
		return nil, GroupStep{}, nil
	}
	again := *r
	again.Prev, again.Observed = o.digest, nil
	step := GroupStep{Policy: o.policy, Before: o.state}
	if o.policy == nil {
		again.Reason, again.Command, again.DryRun = autoscaler.InvalidPolicy, nil, false
	} else {
		in, resize := r.GroupInput()
		step.Input = in
		o.state, step.Decision = nodegroup.Step(o.policy, o.state, in)
		if resize != observation.OK {
			o.state = o.state.Failed(in.Name, resize)
		}
		again.DecideGroup(o.policy, in, &step.Decision, resize)
		text, _ := o.state.AppendText(nil)
		o.digest = Digest(text)
	}
	again.State, step.After = o.digest, o.state
	return lineOf(&again), step, nil
}

// possibleGroup is the line nearest to a record that some state would have led to,
// nil where the policy is not known. The state decides only whether a command waits.
func possibleGroup(p *policy.NodeGroup, r *Record) []byte {
	again := *r
	again.Observed = nil
	switch {
	case r.Policy == "":
		again.Observed = r.Observed
		again.Reason, again.Command, again.DryRun, again.State = autoscaler.InvalidPolicy, nil, false, r.Prev
		return lineOf(&again)
	case p == nil:
		return nil
	}
	in, resize := r.GroupInput()
	_, d := nodegroup.Step(p, nodegroup.State{}, in)
	if d.Command && !p.DryRun && r.Command == nil {
		d.Command, d.Reason = false, autoscaler.RateLimited
	}
	again.DecideGroup(p, in, &d, resize)
	return lineOf(&again)
}

// load takes over the bodies that the record carries.
func (o *verifiedGroup) load(r *Record) error {
	if !r.Bodies {
		return nil
	}
	if got := Digest([]byte(r.StateBody)); got != r.Prev {
		return fmt.Errorf("stateBody has digest %s, prev says %s", got, r.Prev)
	}
	if err := o.state.UnmarshalText([]byte(r.StateBody)); err != nil {
		return err
	}
	o.known, o.digest = true, r.Prev
	o.policy, o.name = nil, r.Policy
	if r.Policy == "" {
		return nil
	}
	o.policy = &policy.NodeGroup{}
	return decodePolicy(r, o.policy)
}

// decodePolicy reads the policy that a record carries into p.
func decodePolicy(r *Record, p any) error {
	if got := policy.Digest([]byte(r.PolicyBody)); got != r.Policy {
		return fmt.Errorf("policyBody has digest %s, policy says %s", got, r.Policy)
	}
	if err := json.Unmarshal([]byte(r.PolicyBody), p); err != nil {
		return fmt.Errorf("policyBody: %w", err)
	}
	return nil
}
