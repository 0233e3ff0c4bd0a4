package journal

import (
	"bytes"
	"testing"

	"github.com/karpenter-sim/karpenter/engine/algorithm"
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

var web = Object{HorizontalAutoscaler, "default", "web"}

// start is 2026-01-05T08:00:00Z.
const start = slot.Slot(1767600000)

// queuePolicy has a window and a budget, so that decisions are held and limited.
func queuePolicy() *policy.Autoscaler {
	return &policy.Autoscaler{
		Target: policy.Target{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"},
		Min:    1, Max: 40, Interval: 10,
		Metrics: []policy.Metric{
			{Query: `sum(queue{job="a"})`, Type: policy.AverageValue, Target: 4},
			{Query: "busy", Type: policy.Utilization, Target: 60},
		},
		Up:   policy.Rules{Select: policy.SelectMax, Policies: []policy.Rate{{Type: policy.Count, Value: 4, Period: 30}}},
		Down: policy.Rules{Window: 60, Tolerance: 0.1, Select: policy.SelectMax, Policies: []policy.Rate{}},
	}
}

// A run makes the records of one autoscaler from what it sees, as the driver does.
type run struct {
	object     Object
	policy     *policy.Autoscaler // nil while the spec is invalid
	generation int64
	state      autoscaler.State
	text       string
	replicas   int32
	slot       slot.Slot
	// uncounted says that the ready replicas stand in no record, as before
	// they were counted.
	uncounted bool
}

func newRun(o Object) *run {
	return &run{object: o, policy: queuePolicy(), generation: 1, replicas: 5, slot: start}
}

// edit changes the spec.
func (r *run) edit(p *policy.Autoscaler) {
	r.policy = p
	r.generation++
}

// number is the observation of a sample.
func number(value float64) autoscaler.Sample {
	code := algorithm.Usable(value)
	if code == observation.NaN || code == observation.Infinite {
		return autoscaler.Sample{Code: code}
	}
	return autoscaler.Sample{Value: value}
}

// decide makes the record of the next slot; code is that of the target.
func (r *run) decide(code observation.Code, samples ...autoscaler.Sample) *Record {
	record := &Record{
		Object: r.object, Generation: r.generation, Slot: r.slot,
		Prev: Digest([]byte(r.text)), State: Digest([]byte(r.text)), StateBody: r.text,
	}
	r.slot += 10
	if r.policy == nil {
		record.Reason = autoscaler.InvalidPolicy
		return record
	}
	record.PolicyBody = string(r.policy.Encode())
	record.Policy = policy.Digest([]byte(record.PolicyBody))
	record.Scale = autoscaler.Scale{Spec: r.replicas, Status: r.replicas}
	if !r.uncounted {
		record.Scale.Ready, record.Scale.Counted = r.replicas, r.policy.CountsReady()
	}
	if code != observation.OK {
		record.Scale = autoscaler.Scale{Code: code}
	}
	for i, sample := range samples {
		record.Metrics = append(record.Metrics, Metric{Query: r.policy.Metrics[i].Query, At: record.Slot, Value: sample.Value, Code: sample.Code})
	}
	var d autoscaler.Decision
	r.state, d = autoscaler.Step(r.policy, r.state, &autoscaler.Input{Slot: record.Slot, Scale: record.Scale, Metrics: samples})
	record.Decide(r.policy, &d)
	if d.Changed {
		text, _ := r.state.MarshalText()
		r.text, record.State = string(text), Digest(text)
	}
	if d.Known && !r.policy.DryRun {
		r.replicas = d.Desired
	}
	return record
}

// writtenBy is the file that a new Writer makes of the records.
func writtenBy(t testing.TB, records ...*Record) []byte {
	t.Helper()
	var file bytes.Buffer
	w := NewWriter(&file)
	for _, r := range records {
		if err := w.Record(r); err != nil {
			t.Fatal(err)
		}
	}
	return file.Bytes()
}

// story is a run with every kind of event: up, limited, held, steady, missing
// metrics, an outage, an edited spec, an invalid one, and down.
func story() []*Record {
	r := newRun(web)
	empty := autoscaler.Sample{Code: observation.Empty}
	records := []*Record{
		r.decide("", number(28), number(0.5)),
		r.decide("", number(60), number(0.9)),
		r.decide("", number(60), number(0.6)),
		r.decide("", number(16), number(0.6)),
		r.decide("", number(16), number(0.6)),
		r.decide("", number(16), number(0.6)),
		r.decide("", empty, number(-1)),
		r.decide(observation.Unavailable, number(16), number(0.6)),
	}
	edited := queuePolicy()
	edited.Max = 7
	r.edit(edited)
	records = append(records, r.decide("", number(16), number(0.6)), r.decide("", number(16), number(0.3)))
	r.edit(nil)
	records = append(records, r.decide(""))
	r.edit(queuePolicy())
	for range 9 {
		records = append(records, r.decide("", number(12), number(0.1)))
	}
	return records
}
