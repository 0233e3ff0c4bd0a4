package sim

import (
	"math"

	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// A reconstruction is the demand behind a recording: what the recorded replicas
// served, and what came on top of their queue.
type reconstruction struct {
	utilization, replicas, queue *demandExpression
	capacity, saturated          float64
	every                        int64
	// asked is the instant of rate; waiting is the queue at it.
	asked         int64
	rate, waiting float64
	begun         bool
	// known and censored count instants; at a censored one the demand may have
	// been more than what was served, and nobody knows how much.
	known, censored int
}

// reconstruct prepares a term that a recording gives.
func (r *run) reconstruct(path string, d *scenario.RecordedDemand, capacity float64) (world.Demand, error) {
	c := &reconstruction{capacity: capacity, saturated: *d.Saturated, asked: -1}
	for _, part := range []struct {
		name, text string
		to         **demandExpression
	}{{"utilization", d.Utilization, &c.utilization}, {"replicas", d.Replicas, &c.replicas}, {"queue", d.Queue, &c.queue}} {
		if part.text == "" {
			continue
		}
		e, err := r.expression(path+"."+part.name, part.text)
		if err != nil {
			return nil, err
		}
		*part.to = e
		c.every = e.every
	}
	r.reconstructions = append(r.reconstructions, c)
	return c.at, nil
}

// at is the demand of the interval that an instant is in, a second.
func (c *reconstruction) at(now int64) float64 {
	utilization, replicas := c.utilization.at(now), c.replicas.at(now)
	if c.utilization.asked == c.asked {
		return c.rate
	}
	c.asked = c.utilization.asked
	c.rate = utilization * replicas * c.capacity
	c.known++
	if c.queue == nil {
		if utilization >= c.saturated {
			c.censored++
		}
		return c.rate
	}
	// What the queue grew by arrived as well: work is conserved.
	waiting := c.queue.at(now)
	if c.begun {
		c.rate = math.Max(0, c.rate+(waiting-c.waiting)*1000/float64(c.every))
	}
	c.waiting, c.begun = waiting, true
	return c.rate
}

// recordedReplicas is the query for the replicas that ran when a target's demand
// was recorded; empty where it was not.
func (r *run) recordedReplicas(t *world.Target) string {
	for i := range r.in.File.Spec.Workloads {
		w := &r.in.File.Spec.Workloads[i]
		target := w.Target()
		if r.targets.Find(refOf(&target)) != t {
			continue
		}
		for _, term := range w.Demand {
			if term.Recorded != nil {
				return term.Recorded.Replicas
			}
		}
	}
	return ""
}

// noteReconstructions says how far a run rests on what cannot be known, and how
// near the same policy comes to what was recorded.
func (r *run) noteReconstructions() {
	for _, c := range r.reconstructions {
		if c.censored > 0 {
			minutes := float64(c.censored) * float64(c.every) / 60_000
			r.assume("for %.0f minutes (%.0f %% of the run) %s was %g or more: the recording was saturated, and the demand then may have been higher than reconstructed",
				minutes, 100*float64(c.censored)/float64(c.known), c.utilization.text, c.saturated)
		}
	}
	if len(r.reconstructions) == 0 {
		return
	}
	for _, p := range r.played {
		if mean, known := p.misfit(); known {
			r.assume("fit: %s runs %.2f replicas more or fewer than recorded on average", p.Target.Name, mean)
		}
	}
}

// misfit is the mean distance of the simulated count from the recorded one.
func (p *autoscalerRun) misfit() (mean float64, known bool) {
	sum, count := 0.0, 0
	for t := p.run.in.start / 1000; t < p.run.queue.clock.now.Unix(); t += int64(p.grid.Interval) {
		recorded := p.object.Recorded.Spec.At(t)
		if math.IsNaN(recorded) {
			continue
		}
		sum += math.Abs(recorded - p.object.Spec.At(t))
		count++
	}
	return sum / float64(count), count > 0
}
