package tune

import (
	"math"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/sim"
)

// A Score holds what a policy cost and lacked in a stretch of time, added over all
// objects. The figures made of it are those of the reports.
type Score struct {
	// Seconds is the length of the stretch, Scored how much of it, added over
	// objects, has a known demand and supply, Lacking how much of that had too
	// few replicas.
	Seconds int64 `json:"seconds"`
	Scored  int64 `json:"scored"`
	Lacking int64 `json:"lacking"`
	// Asked are replica-seconds of spec.replicas, Under those that were missing
	// and Over those that were spare.
	Asked float64 `json:"asked"`
	Under float64 `json:"under"`
	Over  float64 `json:"over"`
	// Cost is the price of what was paid for, in the scenario's currency; 0 where
	// no price is given.
	Cost float64 `json:"cost,omitempty"`
	// Ups and Downs are changes of the desired count, Reversals those against
	// the direction of the change before.
	Ups       int64 `json:"ups"`
	Downs     int64 `json:"downs"`
	Reversals int64 `json:"reversals"`
}

// Add adds another stretch or object; Seconds is the caller's to set.
func (s *Score) Add(o Score) {
	s.Scored += o.Scored
	s.Lacking += o.Lacking
	s.Asked += o.Asked
	s.Under += o.Under
	s.Over += o.Over
	s.Cost += o.Cost
	s.Ups += o.Ups
	s.Downs += o.Downs
	s.Reversals += o.Reversals
}

// BreachMinutes is the time with fewer ready replicas than needed.
func (s *Score) BreachMinutes() float64 { return float64(s.Lacking) / 60 }

// ReplicaHours is the integral of the replicas asked for.
func (s *Score) ReplicaHours() float64 { return s.Asked / 3600 }

// UnderHours is the integral of the missing replicas.
func (s *Score) UnderHours() float64 { return s.Under / 3600 }

// figures are the sums that constraints may name, as the reports name them.
var figures = map[string]func(*Score) float64{
	"breach_minutes":      (*Score).BreachMinutes,
	"replica_hours":       (*Score).ReplicaHours,
	"under_replica_hours": (*Score).UnderHours,
	"over_replica_hours":  func(s *Score) float64 { return s.Over / 3600 },
	"reversals":           func(s *Score) float64 { return float64(s.Reversals) },
	"scale_ups":           func(s *Score) float64 { return float64(s.Ups) },
	"scale_downs":         func(s *Score) float64 { return float64(s.Downs) },
	costFigure:            func(s *Score) float64 { return s.Cost },
}

// costFigure is known only where prices are given.
const costFigure = "cost"

// A window is [from, to), in Unix seconds.
type window struct{ from, to int64 }

// windows cuts [from, to) into n, equal but for whole seconds.
func windows(from, to int64, n int) []window {
	out := make([]window, n)
	for i := range out {
		out[i] = window{from + (to-from)*int64(i)/int64(n), from + (to-from)*int64(i+1)/int64(n)}
	}
	return out
}

// supply scores one object's replicas in a window.
func supply(o *sim.Object, needed *sim.Steps, w window) Score {
	s := Score{}
	demand, ready, spec, paid := walk(needed), walk(&o.Ready), walk(&o.Spec), walk(&o.Paid)
	for now := w.from; now < w.to; {
		d, r, a := roundUp(demand.to(now)), ready.to(now), spec.to(now)
		p := paid.to(now)
		next := min(w.to, demand.next(), ready.next(), spec.next(), paid.next())
		seconds := float64(next - now)
		if !math.IsNaN(a) {
			s.Asked += float64(a * seconds)
		}
		if o.Price > 0 {
			s.Cost += float64(o.Price*float64(paidUnits(p, a, r)*seconds)) / 3600
		}
		if !math.IsNaN(d) && !math.IsNaN(r) {
			s.Scored += next - now
			switch {
			case r < d:
				s.Lacking += next - now
				s.Under += float64((d - r) * seconds)
			case r > d:
				s.Over += float64((r - d) * seconds)
			}
		}
		now = next
	}
	return s
}

// paidUnits are the units that cost: the machines where they are known, else the
// replicas asked for, starting ones included, and those that still serve.
func paidUnits(machines, asked, ready float64) float64 {
	for _, v := range []float64{machines, max(asked, ready), asked, ready} {
		if !math.IsNaN(v) {
			return v
		}
	}
	return 0
}

// roundUp makes whole replicas of a demand; what exceeds a whole number by less
// than 1e-9 of itself is that number.
func roundUp(v float64) float64 {
	nearest := math.Round(v)
	if math.Abs(v-nearest) <= 1e-9*math.Abs(v) {
		return nearest
	}
	return math.Ceil(v)
}

// A walker goes along a step function.
type walker struct {
	steps *sim.Steps
	after int
}

func walk(s *sim.Steps) *walker { return &walker{steps: s} }

// to moves to t and returns the value there.
func (w *walker) to(t int64) float64 {
	for w.after < len(w.steps.T) && w.steps.T[w.after] <= t {
		w.after++
	}
	if w.after == 0 {
		return math.NaN()
	}
	return w.steps.V[w.after-1]
}

func (w *walker) next() int64 {
	if w.after < len(w.steps.T) {
		return w.steps.T[w.after]
	}
	return math.MaxInt64
}

// reversalWindow is how soon, in seconds, an opposite change is a reversal.
const reversalWindow = 15 * 60

// A counter counts the changes of one object's desired count, by window.
type counter struct {
	seen      bool // a record at all
	known     bool // a count
	last      int32
	direction int32
	at        int64
}

// told takes a decision and adds the change that it is, if any.
func (c *counter) told(r *journal.Record, s *Score) {
	if !c.seen && r.Scale.Code == "" {
		c.known, c.last = true, r.Scale.Spec
	}
	c.seen = true
	if !r.Known {
		return
	}
	last, known := c.last, c.known
	c.last, c.known = r.Desired, true
	if !known || r.Desired == last {
		return
	}
	direction := int32(1)
	if r.Desired < last {
		direction = -1
		s.Downs++
	} else {
		s.Ups++
	}
	if c.direction == -direction && int64(r.Slot)-c.at <= reversalWindow {
		s.Reversals++
	}
	c.direction, c.at = direction, int64(r.Slot)
}
