package producer

import (
	"math"

	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// A Reading holds what a provider says of a queue.
type Reading struct {
	// Visible messages wait, those in flight are being worked on.
	Visible, InFlight int64
	// OldestAge is the age of the oldest message in seconds, negative if the
	// provider could not tell.
	OldestAge int64
	// Code says why the queue could not be read.
	Code observation.Code
}

// Usable is the code of a reading: its own, or Negative where no queue can have
// such numbers.
func (r *Reading) Usable() observation.Code {
	if r.Code == observation.OK && (r.Visible < 0 || r.InFlight < 0) {
		return observation.Negative
	}
	return r.Code
}

// Length is the number of messages of a usable reading.
func Length(p *policy.Queue, r *Reading) int64 {
	if !p.InFlight {
		return r.Visible
	}
	if r.Visible > math.MaxInt64-r.InFlight {
		return math.MaxInt64
	}
	return r.Visible + r.InFlight
}

// QueueGauges are the series of a usable reading; an unknown age has none.
func QueueGauges(p *policy.Queue, r *Reading) []Gauge {
	gauges := []Gauge{{QueueLength, float64(Length(p, r))}}
	if r.OldestAge >= 0 {
		gauges = append(gauges, Gauge{QueueOldestAge, float64(r.OldestAge)})
	}
	return gauges
}
