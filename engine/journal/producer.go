package journal

import (
	"math"

	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/producer"
)

// GaugeFields are the values of a MetricsProducer's record: its gauges by name.
// What JSON cannot hold is a code.
func GaugeFields(gauges []producer.Gauge) []Field {
	fields := make([]Field, len(gauges))
	for i, g := range gauges {
		fields[i] = Field{Name: g.Name, Value: g.Value}
		switch {
		case math.IsNaN(g.Value):
			fields[i] = Field{Name: g.Name, Code: observation.NaN}
		case math.IsInf(g.Value, 0):
			fields[i] = Field{Name: g.Name, Code: observation.Infinite}
		}
	}
	return fields
}

// verifiedProducer holds what the records so far say of a MetricsProducer.
type verifiedProducer struct {
	known    bool
	name     string             // digest of the policy
	schedule *producer.Schedule // nil for any other producer
}

// again is the line that the engine writes for the record's slot, or nil where
// the policy it needs was lost. Of what no journal holds it is the record's own.
func (o *verifiedProducer) again(r *Record) ([]byte, error) {
	if r.Bodies {
		if err := o.load(r); err != nil {
			return nil, err
		}
	}
	if !o.known || o.name != r.Policy {
		o.known = false
		return nil, nil
	}
	again := *r
	if o.schedule != nil {
		again.Value = GaugeFields(producer.ScheduleGauges(o.schedule.Value(r.Slot)))
	}
	return lineOf(&again), nil
}

// load takes over the policy that the record carries.
func (o *verifiedProducer) load(r *Record) error {
	*o = verifiedProducer{known: true, name: r.Policy}
	if r.Policy == "" {
		return nil
	}
	p := &policy.Producer{}
	if err := decodePolicy(r, p); err != nil || p.Schedule == nil {
		return err
	}
	var err error
	o.schedule, err = producer.NewSchedule(p.Schedule)
	return err
}
