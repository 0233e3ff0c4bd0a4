package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A Verification counts what Verify found in one file.
type Verification struct {
	// Records is the number of records, Verified that of those decided again
	// with the same bytes as result.
	Records, Verified int
	// Gaps is the number of places where lines were lost; Unverifiable counts
	// the records after them that came before the state was written again. Of
	// these, too, all is decided again that rests on no state.
	Gaps, Unverifiable int
	// Resumed is the number of places where a state was taken over that does not
	// follow from the file, as after another process led for a while.
	Resumed  int
	Outcomes int
	Torn     bool
}

// A Difference is a record that the engine does not decide again.
type Difference struct {
	File      string
	Line      int
	Got, Want []byte
	Err       error
}

func (d *Difference) Error() string {
	if d.Err != nil {
		return fmt.Sprintf("%s:%d: %v", d.File, d.Line, d.Err)
	}
	return fmt.Sprintf("%s:%d: decided again, the record differs\n  recorded: %s\n  decided:  %s", d.File, d.Line, d.Got, d.Want)
}

// Verify decides every record of the journal again from its own inputs; of
// MetricsProducers only schedules, whose value follows from the slot: what others
// read stands outside the journal, so that only their digest and chain are checked. It
// returns a *Difference at the first record that does not come out byte for
// byte, or that was changed, and any error of reading as it is.
func Verify(r io.Reader, name string) (Verification, error) {
	return VerifyEach(r, name, func(*Line) error { return nil })
}

// VerifyEach is Verify; visit is called with each line that holds, and its error
// ends the reading.
func VerifyEach(r io.Reader, name string, visit func(*Line) error) (Verification, error) {
	v := verifier{objects: map[Object]*verified{}, policies: map[string]*policy.Autoscaler{}, groups: map[string]*policy.NodeGroup{}}
	lines := NewReader(r, name)
	for {
		line, err := lines.Next()
		v.found.Torn = lines.Torn()
		if err == io.EOF {
			return v.found, nil
		}
		var bad *LineError
		if errors.As(err, &bad) {
			return v.found, &Difference{File: name, Line: bad.Line, Err: bad.Err}
		}
		if err != nil {
			return v.found, err
		}
		if line.Outcome != nil {
			v.found.Outcomes++
		} else if err := v.verify(name, line); err != nil {
			return v.found, err
		}
		if err := visit(line); err != nil {
			return v.found, err
		}
	}
}

// verify counts a record.
func (v *verifier) verify(name string, line *Line) error {
	v.found.Records++
	again, whole, err := v.decide(line.Record)
	switch {
	case err != nil:
		return &Difference{File: name, Line: line.Number, Err: err}
	case again != nil && !bytes.Equal(again, line.Text):
		return &Difference{File: name, Line: line.Number, Got: line.Text, Want: again}
	case whole:
		v.found.Verified++
	default:
		v.found.Unverifiable++
	}
	return nil
}

// verified holds what the records so far say of an object.
type verified struct {
	chain string
	known bool // whether state is the one after the last record
	// last is the last record without its metrics; nil before the first.
	last *left
	// recovery follows the decisions after a lost state.
	recovery recovery
	// seen are the recommendations since the state was lost, by the policy of that
	// digest.
	seen   []behavior.Run
	seenBy string
	state  autoscaler.State
	digest string
	policy *policy.Autoscaler
	name   string // digest of policy
	body   string
	// In place of all but chain for the other kinds.
	group    verifiedGroup
	producer verifiedProducer
}

type verifier struct {
	found   Verification
	objects map[Object]*verified
	// Policies that stand anywhere in the file, by digest.
	policies map[string]*policy.Autoscaler
	groups   map[string]*policy.NodeGroup
}

// decide returns the line that the engine writes for the record's inputs. Where the
// state was lost, whole is false and the line is the nearest that some state would
// have led to; nil where the policy was lost as well.
func (v *verifier) decide(r *Record) (line []byte, whole bool, err error) {
	o := v.objects[r.Object]
	if o == nil {
		o = &verified{}
		v.objects[r.Object] = o
	}
	lost := r.Chain != o.chain
	if lost {
		v.found.Gaps++
	}
	if err := o.last.precedes(r, lost); err != nil {
		return nil, false, err
	}
	o.chain, o.last = r.Digest, &left{generation: r.Generation, policy: r.Policy, state: r.State}
	switch r.Kind {
	case ScalableNodeGroup:
		if o.group.known && r.Bodies && !lost && r.Prev != o.group.digest {
			v.found.Resumed++
		}
		line, _, err := o.group.again(r)
		if err == nil && r.Bodies && o.group.policy != nil {
			v.groups[r.Policy] = o.group.policy
		}
		if line == nil && err == nil {
			return possibleGroup(v.groups[r.Policy], r), false, nil
		}
		return line, true, err
	case MetricsProducer:
		line, err := o.producer.again(r)
		return line, line != nil, err
	}
	if o.known && r.Bodies && !lost && r.Prev != o.digest {
		v.found.Resumed++
	}
	if err := o.load(r); err != nil {
		return nil, false, err
	}
	if r.Bodies && o.policy != nil {
		v.policies[r.Policy] = o.policy
	}
	if !o.known || o.digest != r.Prev || o.name != r.Policy {
		if o.known || lost || o.seenBy != r.Policy {
			o.seen = o.seen[:0]
		}
		o.known, o.seenBy = false, r.Policy
		p := v.policies[r.Policy]
		line := o.recovery.decide(p, r, lost)
		if line == nil {
			line = possible(p, r, o.seen)
		}
		o.see(p, r)
		return line, false, nil
	}
	again := *r
	o.step(r, &again)
	return lineOf(&again), true, nil
}

// lineOf is the line of a record, without its newline.
func lineOf(r *Record) []byte {
	line, _ := Append(nil, r)
	return bytes.TrimSuffix(line, []byte("\n"))
}

// load takes over the bodies that the record carries.
func (o *verified) load(r *Record) error {
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
	o.policy, o.name, o.body = nil, r.Policy, r.PolicyBody
	if r.Policy == "" {
		return nil
	}
	if got := policy.Digest([]byte(r.PolicyBody)); got != r.Policy {
		return fmt.Errorf("policyBody has digest %s, policy says %s", got, r.Policy)
	}
	o.policy = &policy.Autoscaler{}
	if err := json.Unmarshal([]byte(r.PolicyBody), o.policy); err != nil {
		return fmt.Errorf("policyBody: %w", err)
	}
	return o.policy.Valid()
}

// step decides the record's slot again, into again.
func (o *verified) step(r, again *Record) {
	again.Prev = o.digest
	if o.policy == nil {
		again.Recommending, again.Known, again.Reason = false, false, autoscaler.InvalidPolicy
		again.State = o.digest
		return
	}
	in := r.inputOf(o.policy, again)
	var d autoscaler.Decision
	o.state, d = autoscaler.Step(o.policy, o.state, in)
	again.Decide(o.policy, &d)
	if d.Changed {
		text, _ := o.state.AppendText(nil)
		o.digest = Digest(text)
	}
	again.State = o.digest
}

// inputOf returns what the step of a record saw; again gets the observations.
func (r *Record) inputOf(p *policy.Autoscaler, again *Record) *autoscaler.Input {
	in := &autoscaler.Input{Slot: r.Slot, Scale: r.Scale, Pause: r.Paused, Metrics: make([]autoscaler.Sample, len(p.Metrics))}
	again.Metrics = make([]Metric, len(p.Metrics))
	for i := range again.Metrics {
		again.Metrics[i].Source, again.Metrics[i].Query = p.Metrics[i].Source, p.Metrics[i].Query
		if i >= len(r.Metrics) {
			continue
		}
		again.Metrics[i].At, again.Metrics[i].Value, again.Metrics[i].Code = r.Metrics[i].At, r.Metrics[i].Value, r.Metrics[i].Code
		in.Metrics[i] = r.Metrics[i].Sample()
	}
	return in
}

// see notes what a record after a lost state asked for. What the longest window no
// longer holds is let go.
func (o *verified) see(p *policy.Autoscaler, r *Record) {
	if p == nil || p.Zero != nil || !r.Recommending {
		return
	}
	for len(o.seen) > 0 && r.Slot-o.seen[0].First >= slot.Slot(p.Window()) {
		o.seen = o.seen[1:]
	}
	o.seen = append(o.seen, behavior.Run{Value: r.Recommended, First: r.Slot})
}

// possible is the line nearest to a record that some state would have led to, nil
// where the policy is not known.
func possible(p *policy.Autoscaler, r *Record, seen []behavior.Run) []byte {
	again := *r
	if r.Policy == "" {
		again.Recommending, again.Known, again.Reason = false, false, autoscaler.InvalidPolicy
		again.State = r.Prev
		return lineOf(&again)
	}
	if p == nil {
		return nil
	}
	recorded := autoscaler.Decision{Recommending: r.Recommending, Stabilized: r.Stabilized, Limited: r.Limited, Desired: r.Desired, Limit: r.LimitedBy}
	for i := range min(len(r.Metrics), policy.MaxMetrics) {
		recorded.Metrics[i].Fallback = r.Metrics[i].Fallback
	}
	d := autoscaler.Possible(p, r.inputOf(p, &again), &recorded, seen...)
	again.Decide(p, &d)
	return lineOf(&again)
}

// Sample is the observation as the step saw it: a number that could not be used
// is judged again.
func (m *Metric) Sample() autoscaler.Sample {
	if m.Code == observation.OK || measured(m) {
		return autoscaler.Sample{Value: m.Value}
	}
	return autoscaler.Sample{Code: m.Code}
}
